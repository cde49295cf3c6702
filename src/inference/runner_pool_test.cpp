// Runner pool: memory shared by models, unloading, and the end of everything.
#include "inference/runner_pool.h"

#include <cerrno>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "inference/inference_fixture.h"

namespace selvedge::inference {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class RunnerPoolTest : public InferenceTest {
 protected:
  // Weights of `megabytes`, of which the disk holds almost nothing.
  catalog::Resolved model_of(const std::string& name, std::uint64_t megabytes) {
    const auto resolved = embedding_model(name);
    std::filesystem::resize_file(resolved.path, megabytes << 20);
    return resolved;
  }

  asio::awaitable<Result<Embeddings>> embed(catalog::Resolved resolved, std::string text) {
    EmbedTask task;
    task.texts.push_back(std::move(text));
    auto embedded = co_await inference_->embed(resolved, std::move(task));
    co_return embedded;
  }

  std::vector<std::string> loaded() const {
    std::vector<std::string> names;
    for (const RunnerStatus& one : inference_->status()) names.push_back(one.model);
    return names;
  }
};

TEST_F(RunnerPoolTest, AnIdleModelIsUnloadedAndLoadedAgainByItsNextTask) {
  options_.idle_unload_ms = 80;
  create();
  const auto resolved = model("a.gguf");
  await(complete(resolved, "hello"));
  EXPECT_EQ(loaded().size(), 1u);

  EXPECT_LT(ms_until([&] { return inference_->status().empty(); }), 1'000);
  EXPECT_EQ(await(complete(resolved, "[[say again]]")).text, "again");
}

TEST_F(RunnerPoolTest, ABusyModelIsNotIdle) {
  options_.idle_unload_ms = 80;
  create();
  const auto completion = await(complete(model("a.gguf"), "[[say slow]] [[delay 400]]"));
  EXPECT_EQ(completion.text, "slow");
}

TEST_F(RunnerPoolTest, TheLeastRecentlyUsedIdleModelMakesRoom) {
  options_.memory_bytes = 2'500ull << 20;
  create();
  const auto a = model_of("a.gguf", 1'000);
  const auto b = model_of("b.gguf", 1'000);
  ASSERT_TRUE(await(embed(a, "text")).ok());
  ASSERT_TRUE(await(embed(b, "text")).ok());
  ASSERT_TRUE(await(embed(a, "text")).ok());
  EXPECT_EQ(loaded(), (std::vector<std::string>{"a.gguf", "b.gguf"}));

  ASSERT_TRUE(await(embed(model_of("c.gguf", 1'000), "text")).ok());
  EXPECT_EQ(loaded(), (std::vector<std::string>{"a.gguf", "c.gguf"}));
}

TEST_F(RunnerPoolTest, ABusyModelDoesNotMakeRoomAndTheRefusalNamesTheFigures) {
  options_.memory_bytes = 1'500ull << 20;
  create();
  const auto busy = begin(embed(model_of("a.gguf", 1'000), "[[delay 400]]"));
  ASSERT_TRUE(run_until([&] {
    const auto all = inference_->status();
    return !all.empty() && all[0].tasks_active == 1;
  }));
  const auto start = Clock::now();
  const auto refused = await(embed(model_of("b.gguf", 1'000), "text"));

  ASSERT_FALSE(refused.ok());
  EXPECT_LT(Clock::now() - start, seconds(1));
  EXPECT_EQ(refused.error().code, Code::memory_budget_exceeded);
  EXPECT_NE(refused.error().message.find("needs about 1100 MB; 500 MB"), std::string::npos)
      << refused.error().message;
  ASSERT_TRUE(run_until([&] { return busy->has_value(); }));
  EXPECT_TRUE((*busy)->ok());
}

TEST_F(RunnerPoolTest, AModelLargerThanTheBudgetIsRefusedWhateverIsLoaded) {
  options_.memory_bytes = 1'500ull << 20;
  create();
  ASSERT_TRUE(await(embed(model_of("a.gguf", 1'000), "text")).ok());
  const auto refused = await(embed(model_of("b.gguf", 2'000), "text"));

  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::memory_budget_exceeded);
  EXPECT_EQ(loaded(), (std::vector<std::string>{"a.gguf"}));
}

TEST_F(RunnerPoolTest, ShuttingDownEndsTasksAndRunnersAndRefusesNewTasks) {
  create();
  const auto resolved = model("a.gguf");
  const auto running = begin(complete(resolved, "[[tokens 2000]] [[delay 10]]"));
  const auto loading = begin(complete(model("slow-load-3000.gguf"), "hello"));
  ASSERT_TRUE(run_until([&] {
    const auto all = inference_->status();
    return all.size() == 2 && all[0].tasks_active == 1;
  }));
  const auto start = Clock::now();
  await(inference_->shut_down());

  EXPECT_LT(Clock::now() - start, seconds(1));
  EXPECT_TRUE(inference_->status().empty());
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  ASSERT_TRUE(run_until([&] { return running->has_value() && loading->has_value(); }));
  EXPECT_TRUE((*running)->failed_with(Code::unavailable));
  EXPECT_TRUE((*loading)->failed_with(Code::unavailable));
  EXPECT_TRUE(await(complete(resolved, "hello")).failed_with(Code::unavailable));
}

TEST_F(RunnerPoolTest, ShuttingDownDoesNotWaitForAHungRunner) {
  options_.silence_ms_max = 60'000;
  options_.end_ms_max = 300;
  create();
  const auto hung = begin(complete(model("a.gguf"), "[[hang]]"));
  ASSERT_TRUE(run_until([&] { return pid_of("a.gguf") != 0; }));
  run_for(milliseconds(100));
  const auto start = Clock::now();
  await(inference_->shut_down());

  EXPECT_LT(Clock::now() - start, seconds(1));
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

TEST_F(RunnerPoolTest, ADestroyedInferenceEndsItsStreamsAndLeavesNoProcess) {
  create();
  const auto resolved = model("a.gguf");
  auto opened = await(open(resolved, "[[tokens 2000]] [[delay 10]]"));
  ASSERT_TRUE(opened.ok());
  ASSERT_TRUE(await((*opened)->next()).ok());
  inference_.reset();

  std::optional<Code> code;
  while (!code) {
    const auto piece = await((*opened)->next());
    if (!piece.ok()) code = piece.error().code;
  }
  EXPECT_EQ(code, Code::unavailable);
  run_for(milliseconds(50));
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

TEST(RunnerPoolEnd, AnEventLoopThatStopsFirstTakesEverythingWithIt) {
  // Nothing runs the loop any more: frames of coroutines are destroyed with it.
  auto io = std::make_unique<asio::io_context>();
  InferenceOptions options;
  options.runner = SELVEDGE_SCRIPTED_RUNNER;
  auto inference = create_inference(*io, options);
  catalog::ModelEntry entry;
  catalog::Resolved resolved;
  resolved.entry = &entry;
  resolved.answered_by = "self";
  resolved.path = "/proc/self/exe";
  asio::co_spawn(
      *io,
      [](Inference& to, catalog::Resolved of) -> asio::awaitable<void> {
        GenerateTask task;
        task.prompt = "[[tokens 2000]] [[delay 10]]";
        auto opened = co_await to.generate(of, std::move(task));
        const std::unique_ptr<TokenStream> stream = std::move(opened).value();
        for (;;) {
          auto piece = co_await stream->next();
          if (!piece.ok()) break;
        }
      }(*inference, resolved),
      asio::detached);
  io->run_for(milliseconds(200));
  inference.reset();
  io.reset();
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

}  // namespace
}  // namespace selvedge::inference
