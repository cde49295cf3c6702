// Scheduler: runners that crash, hang, refuse their model or are killed, and what their clients
// see.
#include "inference/scheduler.h"

#include <cerrno>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "inference/inference_fixture.h"

namespace selvedge::inference {
namespace {

using std::chrono::milliseconds;

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& one : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

// Also false for a zombie that nobody reaped.
bool has_children() { return ::waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD; }

class SchedulerTest : public InferenceTest {
 protected:
  // Opens a slow stream and reads its first piece: its runner works.
  std::unique_ptr<TokenStream> begin_stream(const catalog::Resolved& resolved,
                                            const std::string& prompt) {
    auto opened = await(open(resolved, prompt));
    EXPECT_TRUE(opened.ok());
    auto first = await((*opened)->next());
    EXPECT_TRUE(first.ok()) << first.error().message;
    return std::move(*opened);
  }

  asio::awaitable<Completion> rest_of(TokenStream& stream) {
    Completion completion;
    while (!completion.last && !completion.error) {
      auto piece = co_await stream.next();
      if (!piece.ok()) {
        completion.error = piece.error();
      } else if (piece->last) {
        completion.last = piece.value();
      }
    }
    co_return completion;
  }

  static constexpr const char* kSlow = "[[tokens 2000]] [[delay 10]]";
};

TEST_F(SchedulerTest, ACrashEndsTheStreamsOfItsModelAndNoOthers) {
  create();
  const auto well = begin(complete(model("well.gguf"), "[[tokens 40]] [[delay 10]]"));
  const auto bad = model("bad.gguf");
  const auto beside = begin_stream(bad, kSlow);
  const auto start = Clock::now();
  const auto crashed = await(complete(bad, "[[tokens 9]] [[crash-after 3]]"));
  const auto beside_end = await(rest_of(*beside));

  EXPECT_LT(Clock::now() - start, std::chrono::seconds(1));
  EXPECT_TRUE(crashed.failed_with(Code::model_crashed));
  EXPECT_FALSE(crashed.text.empty()) << "what came before the crash was lost";
  EXPECT_TRUE(beside_end.failed_with(Code::model_crashed));
  ASSERT_TRUE(run_until([&] { return well->has_value(); }));
  EXPECT_FALSE((*well)->error);
}

TEST_F(SchedulerTest, WaitingTasksGoOnWithTheNextRunner) {
  options_.sequences_max = 1;
  create();
  const auto resolved = model("a.gguf");
  const auto crashing = begin(complete(resolved, "[[delay 50]] [[crash-after 1]]"));
  const auto waiting = begin(complete(resolved, "[[say still here]]"));

  EXPECT_LT(ms_until([&] { return crashing->has_value() && waiting->has_value(); }), 1'500);
  EXPECT_TRUE((*crashing)->failed_with(Code::model_crashed));
  EXPECT_EQ((*waiting)->text, "still here");
  EXPECT_EQ(inference_->status().at(0).restarts, 1u);
}

TEST_F(SchedulerTest, AHungRunnerIsKilledAndTheNextTaskIsServed) {
  options_.silence_ms_max = 300;
  create();
  const auto resolved = model("a.gguf");
  const auto start = Clock::now();
  const auto hung = await(complete(resolved, "[[tokens 9]] [[hang-after 2]]"));

  EXPECT_TRUE(hung.failed_with(Code::model_crashed));
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(1));
  EXPECT_EQ(await(complete(resolved, "[[say next]]")).text, "next");
}

TEST_F(SchedulerTest, ARunnerThatDoesNothingAtAllIsGivenUpWithinASecond) {
  options_.silence_ms_max = 60'000;
  create();
  const auto resolved = model("a.gguf");
  const auto stuck = begin_stream(resolved, "[[tokens 9]] [[hang-after 2]]");
  auto start = Clock::now();
  EXPECT_TRUE(await(rest_of(*stuck)).failed_with(Code::model_crashed));
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(1));

  const auto stopped = begin_stream(resolved, kSlow);
  ASSERT_NO_FATAL_FAILURE(signal_runner("a.gguf", SIGSTOP));
  start = Clock::now();
  EXPECT_TRUE(await(rest_of(*stopped)).failed_with(Code::model_crashed));
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(1));
  EXPECT_EQ(await(complete(resolved, "[[say back]]")).text, "back");
}

TEST_F(SchedulerTest, ASlowTaskOfARunnerThatAnswersPingsIsNoHang) {
  options_.silence_ms_max = 300;
  create();
  const auto completion = await(complete(model("a.gguf"), "[[say slow]] [[delay 900]]"));
  EXPECT_EQ(completion.text, "slow");
}

TEST_F(SchedulerTest, ARunnerKilledFromOutsideComesBack) {
  create();
  const auto resolved = model("a.gguf");
  for (const int number : {SIGKILL, SIGSEGV, SIGTERM}) {
    const auto stream = begin_stream(resolved, kSlow);
    ASSERT_NO_FATAL_FAILURE(signal_runner("a.gguf", number));
    const auto start = Clock::now();
    EXPECT_TRUE(await(rest_of(*stream)).failed_with(Code::model_crashed));
    EXPECT_LT(Clock::now() - start, std::chrono::seconds(1));
  }
  EXPECT_EQ(await(complete(resolved, "[[say back]]")).text, "back");
}

TEST_F(SchedulerTest, AStoppedRunnerIsHung) {
  options_.silence_ms_max = 300;
  create();
  const auto resolved = model("a.gguf");
  const auto stream = begin_stream(resolved, kSlow);
  ASSERT_NO_FATAL_FAILURE(signal_runner("a.gguf", SIGSTOP));
  EXPECT_TRUE(await(rest_of(*stream)).failed_with(Code::model_crashed));
  EXPECT_EQ(await(complete(resolved, "[[say back]]")).text, "back");
}

TEST_F(SchedulerTest, AnIdleRunnerThatDiesIsReplacedByTheNextTask) {
  create();
  const auto resolved = model("a.gguf");
  await(complete(resolved, "hello"));
  ASSERT_NO_FATAL_FAILURE(signal_runner("a.gguf", SIGKILL));
  ASSERT_TRUE(run_until([&] { return pid_of("a.gguf") == 0; }));

  EXPECT_EQ(await(complete(resolved, "[[say back]]")).text, "back");
}

TEST_F(SchedulerTest, TwentyCrashesLeaveNoZombieAndNoDescriptor) {
  create();
  const auto resolved = model("a.gguf");
  await(complete(resolved, "[[crash]]"));
  ASSERT_TRUE(run_until([&] { return pid_of("a.gguf") == 0; }));
  run_for(milliseconds(20));
  const std::size_t before = open_descriptors();
  for (int crash = 0; crash < 20; ++crash) {
    EXPECT_TRUE(await(complete(resolved, "[[crash]]")).failed_with(Code::model_crashed));
  }
  ASSERT_TRUE(run_until([&] { return pid_of("a.gguf") == 0; }));
  run_for(milliseconds(20));

  EXPECT_EQ(open_descriptors(), before);
  EXPECT_FALSE(has_children());
}

TEST_F(SchedulerTest, ARefusedModelFailsItsTasksWithTheReasonAndIsTriedAgain) {
  create();
  auto resolved = model("a.gguf", "[[fail-load]]");
  const auto first = begin(complete(resolved, "hello"));
  const auto second = begin(complete(resolved, "hello"));
  ASSERT_TRUE(run_until([&] { return first->has_value() && second->has_value(); }));
  EXPECT_TRUE((*first)->failed_with(Code::model_load_failed));
  EXPECT_TRUE((*second)->failed_with(Code::model_load_failed));
  EXPECT_NE((*first)->error->message.find("fails as scripted"), std::string::npos);

  resolved = model("a.gguf", "good weights");
  EXPECT_EQ(await(complete(resolved, "[[say loaded]]")).text, "loaded");
}

TEST_F(SchedulerTest, ARunnerThatCrashesWhileItLoadsIsGivenUpAfterFiveTimes) {
  create();
  const auto completion = await(complete(model("crash-load.gguf"), "hello"));
  EXPECT_TRUE(completion.failed_with(Code::model_load_failed));
  EXPECT_EQ(inference_->status().at(0).restarts, 4u);
  EXPECT_EQ(inference_->status().at(0).state, RunnerState::backing_off);
}

TEST_F(SchedulerTest, ALoadThatTakesTooLongFails) {
  options_.load_ms_max = 150;
  create();
  const auto start = Clock::now();
  const auto completion = await(complete(model("hang-load.gguf"), "hello"));
  EXPECT_TRUE(completion.failed_with(Code::model_load_failed));
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(1));
}

TEST_F(SchedulerTest, WeightsThatAreGoneAndARunnerThatIsGoneAreErrors) {
  create();
  auto resolved = model("a.gguf");
  std::filesystem::remove(resolved.path);
  EXPECT_TRUE(await(complete(resolved, "hello")).failed_with(Code::model_load_failed));

  options_.runner = folder_ / "no-such-runner";
  create();
  EXPECT_TRUE(await(complete(model("b.gguf"), "hello")).failed_with(Code::model_load_failed));
  EXPECT_FALSE(has_children());
}

TEST_F(SchedulerTest, ChangedWeightsGetANewRunnerWhileTheOldOneFinishes) {
  create();
  auto resolved = model("a.gguf");
  resolved.sha256 = "old";
  const auto old_stream = begin(complete(resolved, "[[tokens 30]] [[delay 10]]"));
  ASSERT_TRUE(run_until([&] { return pid_of("a.gguf") != 0; }));
  resolved.sha256 = "new";
  EXPECT_EQ(await(complete(resolved, "[[say new]]")).text, "new");

  ASSERT_TRUE(run_until([&] { return old_stream->has_value(); }));
  EXPECT_FALSE((*old_stream)->error);
  EXPECT_TRUE(run_until([&] { return inference_->status().size() == 1; }));
}

}  // namespace
}  // namespace selvedge::inference
