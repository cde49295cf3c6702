// Tests of the runner's program and loop through the scripted runner: life, tasks, crashes.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "child_runner.h"

namespace selvedge::scripted {
namespace {

using std::chrono::milliseconds;

class ScriptedRunner : public testing::Test {
 protected:
  ScriptedRunner() {
    std::string pattern = (std::filesystem::temp_directory_path() / "scripted-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~ScriptedRunner() override { std::filesystem::remove_all(folder_); }

  wire::Load model(const std::string& file, wire::ModelKind kind) {
    const auto path = folder_ / file;
    std::ofstream(path) << "no weights";
    return {path.string(), kind, 0, 4, 2};
  }
  void load_text_model(std::int32_t threads = 1) {
    ASSERT_TRUE(runner_.load(model("text.gguf", wire::ModelKind::text_generation), threads));
  }
  static wire::Generate generate(wire::TaskId task, const std::string& text) {
    wire::Generate generate;
    generate.task = task;
    generate.messages = {{"system", "Be brief."}, {"user", text}};
    return generate;
  }
  // All pieces of `task` joined; stops at its Finished.
  std::string completion(wire::TaskId task, wire::Finished& finished) {
    std::string text;
    while (auto message = runner_.next()) {
      if (auto* piece = std::get_if<wire::Piece>(&*message)) {
        if (piece->task == task) text += piece->text;
      } else if (auto* last = std::get_if<wire::Finished>(&*message)) {
        if (last->task != task) continue;
        finished = *last;
        return text;
      }
    }
    ADD_FAILURE() << "no Finished for task " << task;
    return text;
  }

  std::filesystem::path folder_;
  ChildRunner runner_{SELVEDGE_SCRIPTED_RUNNER};
  wire::Finished finished_;
};

TEST_F(ScriptedRunner, AnswersTheSameTextWithTheSameCompletion) {
  load_text_model();
  runner_.send(generate(1, "what is a selvedge"));
  const std::string first = completion(1, finished_);
  EXPECT_FALSE(first.empty());
  EXPECT_EQ(finished_.reason, wire::FinishReason::stop);
  EXPECT_EQ(finished_.completion_tokens, 12);
  runner_.send(generate(2, "what is a selvedge"));
  EXPECT_EQ(completion(2, finished_), first);
  runner_.send(generate(3, "what is a hem"));
  EXPECT_NE(completion(3, finished_), first);
}

TEST_F(ScriptedRunner, SaysWhatItIsToldUpToTheLimitAndTheStopString) {
  load_text_model();
  runner_.send(generate(1, "[[say one two three four]]"));
  EXPECT_EQ(completion(1, finished_), "one two three four");
  wire::Generate limited = generate(2, "[[say one two three four]]");
  limited.tokens_max = 2;
  runner_.send(limited);
  EXPECT_EQ(completion(2, finished_), "one two");
  EXPECT_EQ(finished_.reason, wire::FinishReason::length);
  wire::Generate stopped = generate(3, "[[say one two three four]]");
  stopped.stop = {" three"};
  runner_.send(stopped);
  EXPECT_EQ(completion(3, finished_), "one two");
  EXPECT_EQ(finished_.reason, wire::FinishReason::stop);
}

TEST_F(ScriptedRunner, TellsLogprobsOfTheTokensBeforeAStop) {
  load_text_model();
  wire::Generate task = generate(1, "[[say one two three]]");
  task.sampling.logprobs = true;
  task.sampling.top_logprobs = 20;
  task.stop = {"wo"};
  runner_.send(task);
  std::string bytes;
  while (auto message = runner_.next()) {
    if (std::holds_alternative<wire::Finished>(*message)) break;
    const auto* piece = std::get_if<wire::Piece>(&*message);
    if (piece == nullptr) continue;
    for (const auto& token : piece->logprobs) {
      bytes += token.bytes + "|";
      EXPECT_EQ(token.top.size(), 20u);
      EXPECT_EQ(token.top[0].logprob, token.logprob);
    }
  }
  EXPECT_EQ(bytes, "one| t|");
}

TEST_F(ScriptedRunner, DrawsByTheBiases) {
  load_text_model();
  runner_.send(wire::Tokenize{1, " loom"});
  const auto loom = runner_.next_of<wire::Tokens>();
  ASSERT_TRUE(loom);
  wire::Generate task = generate(2, "what is a selvedge");
  task.sampling.logit_bias = {{loom->ids[0], 100}};
  runner_.send(task);
  EXPECT_EQ(completion(2, finished_).substr(0, 14), "loom loom loom");
  task.task = 3;
  task.sampling.logit_bias = {{loom->ids[0], -100}};
  runner_.send(task);
  EXPECT_EQ(completion(3, finished_).find("loom"), std::string::npos);
  task.task = 4;
  task.sampling.logit_bias = {{30'000, 1}};
  runner_.send(task);
  const auto failed = runner_.next_of<wire::Failed>();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->code, Code::invalid_input);
}

TEST_F(ScriptedRunner, EchoesWhatItReceived) {
  load_text_model();
  runner_.send(generate(1, "[[echo]] 漢字"));
  EXPECT_EQ(completion(1, finished_), "system: Be brief.\nuser: [[echo]] 漢字\n");
}

TEST_F(ScriptedRunner, RunsTasksSideBySideAndCancelsOne) {
  load_text_model();
  runner_.send(generate(1, "[[tokens 400]] [[delay 20]]"));
  runner_.send(generate(2, "[[say quick]]"));
  EXPECT_EQ(completion(2, finished_), "quick");
  runner_.send(wire::Cancel{1});
  runner_.send(wire::Cancel{1});
  runner_.send(wire::Cancel{77});
  completion(1, finished_);
  EXPECT_EQ(finished_.reason, wire::FinishReason::cancelled);
  EXPECT_LT(finished_.completion_tokens, 400);
  runner_.send(wire::Ping{5});
  auto after = runner_.next();
  ASSERT_TRUE(after.has_value());
  EXPECT_TRUE(std::holds_alternative<wire::Pong>(*after)) << "an ended task was cancelled again";
}

TEST_F(ScriptedRunner, ComputesNothingWithoutThreadsButAnswersPings) {
  load_text_model(0);
  ASSERT_EQ(runner_.next_of<wire::Granted>()->threads, 0);
  runner_.send(generate(1, "hello"));
  runner_.send(wire::Ping{9});
  auto message = runner_.next();
  ASSERT_TRUE(message.has_value());
  EXPECT_TRUE(std::holds_alternative<wire::Pong>(*message));
  EXPECT_FALSE(runner_.next(milliseconds(50)).has_value());
  runner_.send(wire::Grant{1});
  ASSERT_EQ(runner_.next_of<wire::Granted>()->threads, 1);
  completion(1, finished_);
}

TEST_F(ScriptedRunner, FailsOneTaskAndGoesOnWithTheOthers) {
  load_text_model();
  runner_.send(generate(1, "[[fail deadline_exceeded]]"));
  auto failed = runner_.next_of<wire::Failed>();
  ASSERT_TRUE(failed.has_value());
  EXPECT_EQ(failed->task, 1u);
  EXPECT_EQ(failed->code, Code::deadline_exceeded);
  wire::Generate long_one = generate(2, "hello");
  long_one.tokens_max = 1'000'000;
  runner_.send(long_one);
  EXPECT_EQ(runner_.next_of<wire::Failed>()->code, Code::context_overflow);
  runner_.send(wire::Embed{3, {"x"}, wire::Pooling::mean});
  EXPECT_EQ(runner_.next_of<wire::Failed>()->code, Code::model_unsupported);
  runner_.send(generate(4, "[[say fine]]"));
  EXPECT_EQ(completion(4, finished_), "fine");
}

TEST_F(ScriptedRunner, EmbedsRowsInTheOrderOfTheTexts) {
  ASSERT_TRUE(runner_.load(model("e.gguf", wire::ModelKind::embedding)));
  runner_.send(wire::Embed{1, {"warp", "weft", "warp"}, wire::Pooling::mean});
  auto answer = runner_.next_of<wire::Embeddings>();
  ASSERT_TRUE(answer.has_value());
  ASSERT_EQ(answer->dimensions, 384);
  ASSERT_EQ(answer->values.size(), 3u * 384u);
  const auto row = [&](std::ptrdiff_t at) {
    return std::vector<float>(answer->values.begin() + at * 384,
                              answer->values.begin() + (at + 1) * 384);
  };
  EXPECT_EQ(row(0), row(2));
  EXPECT_NE(row(0), row(1));
}

TEST_F(ScriptedRunner, TokenizesWithByteOffsets) {
  load_text_model();
  runner_.send(wire::Tokenize{1, "one 漢字"});
  auto tokens = runner_.next_of<wire::Tokens>();
  ASSERT_TRUE(tokens.has_value());
  EXPECT_EQ(tokens->ids.size(), 3u);
  EXPECT_EQ(tokens->ends, (std::vector<std::uint32_t>{3, 7, 10}));
}

TEST_F(ScriptedRunner, EndsWithTheServer) {
  load_text_model();
  runner_.send(generate(1, "[[tokens 1000]] [[delay 10]]"));
  runner_.hang_up();
  EXPECT_EQ(runner_.wait_for_exit(), 0);
}

TEST_F(ScriptedRunner, EndsWhenAskedTo) {
  load_text_model();
  runner_.send(wire::Shutdown{});
  EXPECT_EQ(runner_.wait_for_exit(), 0);
}

TEST_F(ScriptedRunner, SaysWhyAModelDoesNotLoad) {
  runner_.send(model("fail-load.gguf", wire::ModelKind::text_generation));
  auto failed = runner_.next_of<wire::Failed>();
  ASSERT_TRUE(failed.has_value());
  EXPECT_EQ(failed->task, 0u);
  EXPECT_EQ(failed->code, Code::model_load_failed);
  EXPECT_EQ(runner_.wait_for_exit(), 1);
}

TEST_F(ScriptedRunner, TellsTheProgressOfASlowLoad) {
  runner_.send(model("slow-load-100.gguf", wire::ModelKind::text_generation));
  auto progress = runner_.next_of<wire::LoadProgress>();
  ASSERT_TRUE(progress.has_value());
  EXPECT_LE(progress->fraction, 1.0f);
  EXPECT_TRUE(runner_.next_of<wire::Loaded>().has_value());
}

TEST_F(ScriptedRunner, CrashesHangsAndExitsOnCommand) {
  load_text_model();
  runner_.send(generate(1, "[[crash-after 3]]"));
  for (int pieces = 0; pieces < 3; ++pieces) ASSERT_TRUE(runner_.next_of<wire::Piece>());
  EXPECT_FALSE(runner_.next().has_value());
  EXPECT_EQ(runner_.wait_for_exit(), 128 + SIGABRT);

  ChildRunner other(SELVEDGE_SCRIPTED_RUNNER);
  ASSERT_TRUE(other.load(model("text.gguf", wire::ModelKind::text_generation)));
  other.send(generate(1, "[[exit]]"));
  EXPECT_EQ(other.wait_for_exit(), 3);

  ChildRunner third(SELVEDGE_SCRIPTED_RUNNER);
  ASSERT_TRUE(third.load(model("text.gguf", wire::ModelKind::text_generation)));
  ASSERT_TRUE(third.next_of<wire::Granted>());
  third.send(generate(1, "[[hang]]"));
  third.send(wire::Ping{1});
  third.next(milliseconds(50));  // The pong may come before the step that hangs.
  third.send(wire::Ping{2});
  EXPECT_FALSE(third.next(milliseconds(100)).has_value());
  EXPECT_FALSE(third.wait_for_exit(milliseconds(50)).has_value());
}

TEST_F(ScriptedRunner, AMessageOutOfPlaceEndsIt) {
  runner_.send(generate(1, "hello"));
  EXPECT_EQ(runner_.wait_for_exit(), 2);
  ChildRunner other(SELVEDGE_SCRIPTED_RUNNER);
  other.send(wire::Pong{1});
  EXPECT_EQ(other.wait_for_exit(), 2);
}

}  // namespace
}  // namespace selvedge::scripted
