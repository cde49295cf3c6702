// Tests of text generation on a miniature model: batches, limits, stops, kept beginnings.
#include "engines/llama_text.h"

#include <map>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "common/json.h"
#include "engines/engine_log.h"
#include "engines/test_files.h"
#include "engines/test_models.h"

namespace selvedge::engines {
namespace {

struct Outcome {
  std::string text;
  std::vector<wire::TokenLogprob> logprobs;
  std::int32_t piece_tokens = 0;
  std::string call_name;
  std::string call_arguments;
  wire::Finished finished;
};

class LlamaTextTest : public testing::Test {
 protected:
  void SetUp() override { open(4, 1024); }

  void open(std::int32_t sequences_max, std::int32_t context_tokens) {
    engine_.reset();
    auto model = open_test_model(kTinyLlama3);
    ASSERT_NE(model, nullptr);
    const wire::Load load{"", wire::ModelKind::text_generation, context_tokens, sequences_max, 2};
    auto engine = LlamaText::open(model, load);
    ASSERT_TRUE(engine.ok()) << engine.error().message;
    engine_ = std::move(*engine);
    engine_->set_threads(1);
  }
  static wire::Generate generate(wire::TaskId task, const std::string& text,
                                 std::int32_t tokens_max = 24) {
    wire::Generate generate;
    generate.task = task;
    generate.messages = {{"user", text}};
    generate.tokens_max = tokens_max;
    generate.sampling.temperature = 0;
    return generate;
  }
  void start(wire::Generate task) {
    auto status = engine_->start_generate(std::move(task));
    ASSERT_TRUE(status.ok()) << status.error().message;
  }
  // Steps until nothing is left to do.
  std::map<wire::TaskId, Outcome> run() {
    std::map<wire::TaskId, Outcome> outcomes;
    std::vector<wire::Message> events;
    while (engine_->has_work()) {
      auto status = engine_->step(events);
      EXPECT_TRUE(status.ok()) << status.error().message;
      if (!status.ok()) break;
    }
    for (const wire::Message& event : events) {
      if (const auto* piece = std::get_if<wire::Piece>(&event)) {
        EXPECT_TRUE(utf8::valid(piece->text));
        outcomes[piece->task].text += piece->text;
        for (const auto& delta : piece->tool_calls) {
          if (!delta.name.empty()) outcomes[piece->task].call_name += delta.name;
          outcomes[piece->task].call_arguments += delta.arguments;
        }
        outcomes[piece->task].piece_tokens += piece->tokens;
        for (const auto& token : piece->logprobs) outcomes[piece->task].logprobs.push_back(token);
      } else if (const auto* finished = std::get_if<wire::Finished>(&event)) {
        outcomes[finished->task].finished = *finished;
      }
    }
    return outcomes;
  }
  Outcome run_alone(wire::Generate task) {
    const wire::TaskId id = task.task;
    start(std::move(task));
    return run()[id];
  }

  std::unique_ptr<LlamaText> engine_;
};

TEST_F(LlamaTextTest, MakesAsManyTokensAsAsked) {
  const Outcome outcome = run_alone(generate(1, "Tell me about looms."));
  EXPECT_EQ(outcome.finished.reason, wire::FinishReason::length);
  EXPECT_EQ(outcome.finished.completion_tokens, 24);
  EXPECT_EQ(outcome.piece_tokens, 24);
  EXPECT_GT(outcome.finished.prompt_tokens, 10);
  EXPECT_FALSE(outcome.text.empty());
}

TEST_F(LlamaTextTest, RepeatsItselfWithTemperatureZeroOrASeed) {
  const std::string text = "Tell me about looms.";
  EXPECT_EQ(run_alone(generate(1, text)).text, run_alone(generate(2, text)).text);
  wire::Generate seeded = generate(3, text);
  seeded.sampling.temperature = 1;
  seeded.sampling.seed = 42;
  seeded.sampling.has_seed = true;
  wire::Generate again = seeded;
  again.task = 4;
  wire::Generate other = seeded;
  other.task = 5;
  other.sampling.seed = 43;
  const std::string first = run_alone(seeded).text;
  EXPECT_EQ(run_alone(again).text, first);
  EXPECT_NE(run_alone(other).text, first);
}

TEST_F(LlamaTextTest, RunsMoreTasksThanItHasSequences) {
  for (wire::TaskId task = 1; task <= 9; ++task) {
    start(generate(task, "Tell me about number " + std::to_string(task), 16));
  }
  const auto outcomes = run();
  ASSERT_EQ(outcomes.size(), 9u);
  for (const auto& [task, outcome] : outcomes) {
    EXPECT_EQ(outcome.finished.completion_tokens, 16) << task;
  }
}

TEST_F(LlamaTextTest, LongPromptsAreReadInChunks) {
  std::string text;
  for (int at = 0; at < 600; ++at) text += "word ";
  start(generate(1, text, 4));
  start(generate(2, "short", 4));
  const auto outcomes = run();
  EXPECT_GT(outcomes.at(1).finished.prompt_tokens, 600);
  EXPECT_EQ(outcomes.at(1).finished.completion_tokens, 4);
  EXPECT_EQ(outcomes.at(2).finished.completion_tokens, 4);
}

TEST_F(LlamaTextTest, RefusesWhatDoesNotFitTheWindow) {
  auto status = engine_->start_generate(generate(1, "hello", 1020));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::context_overflow);
  EXPECT_FALSE(engine_->has_work());
}

TEST_F(LlamaTextTest, HoldsATaskToASmallerWindowOfItsOwn) {
  wire::Generate task = generate(1, "hello", 20);
  task.raw = true;
  task.messages.clear();
  task.prompt = "hello";
  task.window_tokens = 20;
  auto status = engine_->start_generate(task);
  ASSERT_FALSE(status.ok());
  EXPECT_TRUE(status.error().message.ends_with("exceeded this model context window limit (20)."));
  task.window_tokens = 5'000;  // Beyond the model's own.
  EXPECT_TRUE(engine_->start_generate(task).ok());
}

TEST_F(LlamaTextTest, TasksThatFillTheMemoryWaitForEachOther) {
  open(4, 128);  // 256 cells: room for two of these.
  for (wire::TaskId task = 1; task <= 4; ++task) {
    start(generate(task, "task " + std::to_string(task), 100));
  }
  const auto outcomes = run();
  ASSERT_EQ(outcomes.size(), 4u);
  for (const auto& [task, outcome] : outcomes) {
    EXPECT_EQ(outcome.finished.completion_tokens, 100) << task;
  }
}

TEST_F(LlamaTextTest, EndsBeforeAStopString) {
  const std::string whole = run_alone(generate(1, "Tell me about looms.")).text;
  ASSERT_GT(whole.size(), 12u);
  const std::size_t cut = utf8::floor_boundary(whole, whole.size() / 2);
  wire::Generate stopped = generate(2, "Tell me about looms.");
  stopped.stop = {whole.substr(cut, utf8::floor_boundary(whole.substr(cut), 6))};
  const Outcome outcome = run_alone(stopped);
  EXPECT_EQ(outcome.finished.reason, wire::FinishReason::stop);
  EXPECT_EQ(outcome.text, whole.substr(0, whole.find(stopped.stop[0])));
  EXPECT_LE(outcome.finished.completion_tokens, 24);
}

TEST_F(LlamaTextTest, WhatFitsNoWindowIsCutWhereThatIsAskedFor) {
  wire::Generate task = generate(1, "hello", 5000);
  task.cut_to_window = true;
  const Outcome outcome = run_alone(task);
  EXPECT_EQ(outcome.finished.prompt_tokens + outcome.finished.completion_tokens, 1024);
  EXPECT_EQ(outcome.finished.reason, wire::FinishReason::length);
  task.messages[0].content.clear();
  for (int at = 0; at < 1200; ++at) task.messages[0].content += "word ";
  auto status = engine_->start_generate(task);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::context_overflow);
}

TEST_F(LlamaTextTest, LogprobsTellTheCompletionTokenByToken) {
  wire::Generate task = generate(1, "Tell me about looms.");
  task.sampling.logprobs = true;
  task.sampling.top_logprobs = 3;
  const Outcome outcome = run_alone(task);
  EXPECT_EQ(outcome.logprobs.size(), 24u);
  std::string bytes;
  for (const wire::TokenLogprob& token : outcome.logprobs) {
    bytes += token.bytes;
    ASSERT_EQ(token.top.size(), 3u);
    EXPECT_LE(token.logprob, 0);
    EXPECT_EQ(token.top[0].logprob, token.logprob) << "temperature 0 takes the likeliest";
    EXPECT_GE(token.top[0].logprob, token.top[1].logprob);
    EXPECT_GE(token.top[1].logprob, token.top[2].logprob);
  }
  EXPECT_EQ(utf8::repaired(bytes), outcome.text);
  EXPECT_TRUE(run_alone(generate(2, "Tell me about looms.")).logprobs.empty());
}

TEST_F(LlamaTextTest, LogprobsEndWhereAStopStringCutsTheText) {
  wire::Generate task = generate(1, "Tell me about looms.");
  task.sampling.logprobs = true;
  const std::string whole = run_alone(task).text;
  const std::size_t cut = utf8::floor_boundary(whole, whole.size() / 2);
  task.stop = {whole.substr(cut, utf8::floor_boundary(whole.substr(cut), 6))};
  const Outcome outcome = run_alone(task);
  std::string bytes;
  for (const wire::TokenLogprob& token : outcome.logprobs) bytes += token.bytes;
  EXPECT_EQ(utf8::repaired(bytes), outcome.text);
  EXPECT_LT(outcome.text.size(), whole.size());
}

TEST_F(LlamaTextTest, ABiasChangesTheCompletionButNotTheLogprobs) {
  wire::Generate task = generate(1, "Tell me about looms.", 1);
  task.sampling.logprobs = true;
  task.sampling.top_logprobs = 1;
  const Outcome plain = run_alone(task);
  auto tokens = engine_->tokenize({1, "loom"});
  ASSERT_TRUE(tokens.ok());
  task.sampling.logit_bias = {{tokens->ids[0], 100}};
  const Outcome forced = run_alone(task);
  EXPECT_EQ(forced.text, std::string("loom").substr(0, tokens->ends[0]));
  ASSERT_EQ(forced.logprobs.size(), 1u);
  EXPECT_LT(forced.logprobs[0].logprob, plain.logprobs[0].logprob);
  EXPECT_EQ(forced.logprobs[0].top[0].logprob, plain.logprobs[0].top[0].logprob);
}

TEST_F(LlamaTextTest, ABiasOnATokenThatDoesNotExistIsRefused) {
  wire::Generate task = generate(1, "hello");
  task.sampling.logit_bias = {{2'000'000, 1}};
  auto status = engine_->start_generate(task);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::invalid_input);
  EXPECT_NE(status.error().message.find("2000000"), std::string::npos);
  task.sampling.logit_bias = {{-1, 1}};
  EXPECT_FALSE(engine_->start_generate(task).ok());
}

// The weights are random: whatever fits the schema is the grammar's doing.
TEST_F(LlamaTextTest, AnAnswerOfASchemaAlwaysFitsIt) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    wire::Generate task = generate(seed + 1, "Who are you?", 200);
    task.sampling.temperature = seed == 0 ? 0 : 1.5;
    task.sampling.has_seed = true;
    task.sampling.seed = seed;
    task.chat.json_schema =
        R"({"type":"object","properties":{"kind":{"enum":["warp","weft"]},"count":{"type":"integer",)"
        R"("minimum":1,"maximum":99},"names":{"type":"array","items":{"type":"string","maxLength":4},)"
        R"("maxItems":3}},"required":["kind","count","names"],"additionalProperties":false})";
    const Outcome outcome = run_alone(task);
    EXPECT_EQ(outcome.finished.reason, wire::FinishReason::stop) << outcome.text;
    const auto value = common_json::parse_no_throw(outcome.text);
    ASSERT_TRUE(value.is_object()) << outcome.text;
    EXPECT_TRUE(value.at("kind") == "warp" || value.at("kind") == "weft") << outcome.text;
    EXPECT_GE(value.at("count").get<int>(), 1);
    EXPECT_LE(value.at("names").size(), 3u);
  }
}

TEST_F(LlamaTextTest, AToolThatMustBeCalledIsCalled) {
  wire::Generate task = generate(1, "What is the weather?", 200);
  task.chat.tools =
      R"([{"type":"function","function":{"name":"get_weather","parameters":{"type":"object",)"
      R"("properties":{"days":{"type":"integer","minimum":0,"maximum":9}},"required":["days"]}}}])";
  task.chat.tool_choice = "required";
  task.chat.parallel_tool_calls = false;
  const Outcome outcome = run_alone(task);
  EXPECT_EQ(outcome.call_name, "get_weather") << outcome.text;
  EXPECT_TRUE(common_json::parse_no_throw(outcome.call_arguments).at("days").is_number());
  EXPECT_EQ(outcome.text, "");
}

TEST_F(LlamaTextTest, ASchemaThatMakesNoGrammarIsTheCallersError) {
  wire::Generate task = generate(1, "hello");
  task.chat.json_schema = R"({"type":"string","pattern":"^(a|b"})";
  auto status = engine_->start_generate(task);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::invalid_input);
  task.chat.json_schema = R"({"type":"string","pattern":"^(x{0,900}){900}$"})";
  status = engine_->start_generate(task);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::invalid_input);
  EXPECT_FALSE(engine_->has_work());
}

TEST_F(LlamaTextTest, CancelsRunningAndWaitingTasks) {
  open(1, 1024);
  start(generate(1, "first", 500));
  start(generate(2, "second", 500));
  std::vector<wire::Message> events;
  ASSERT_TRUE(engine_->step(events).ok());
  events.clear();
  engine_->cancel(2, events);
  engine_->cancel(1, events);
  engine_->cancel(1, events);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(std::get<wire::Finished>(events[0]).reason, wire::FinishReason::cancelled);
  EXPECT_EQ(std::get<wire::Finished>(events[1]).reason, wire::FinishReason::cancelled);
  EXPECT_FALSE(engine_->has_work());
  EXPECT_EQ(run_alone(generate(3, "third", 5)).finished.completion_tokens, 5);
}

TEST_F(LlamaTextTest, KeepsTheBeginningOfAPromptItHasSeen) {
  wire::Generate task = generate(1, "Tell me about looms.", 4);
  task.sampling.temperature = 0.7;
  EXPECT_EQ(run_alone(task).finished.cached_tokens, 0);
  task.task = 2;
  const Outcome again = run_alone(task);
  EXPECT_EQ(again.finished.cached_tokens, again.finished.prompt_tokens - 1);
  task.task = 3;
  task.messages[0].content = "Tell me about ships.";
  const Outcome similar = run_alone(task);
  EXPECT_GT(similar.finished.cached_tokens, 5);
  EXPECT_LT(similar.finished.cached_tokens, similar.finished.prompt_tokens - 1);
}

TEST_F(LlamaTextTest, RepeatableTasksKeepWholeChunksAndStillRepeatThemselves) {
  std::string text;
  for (int at = 0; at < 700; ++at) text += "word ";
  const Outcome first = run_alone(generate(1, text, 16));
  const Outcome again = run_alone(generate(2, text, 16));
  EXPECT_EQ(again.finished.cached_tokens, 512);
  EXPECT_EQ(again.text, first.text);
}

TEST_F(LlamaTextTest, SharingABeginningChangesNothingInTheAnswer) {
  const std::string rules = "Rules: be brief, be kind, be exact, and speak of cloth only. ";
  const std::string alone_a = run_alone(generate(1, rules + "What is warp?")).text;
  open(4, 1024);
  wire::Generate unseeded = generate(2, rules + "What is weft?");
  unseeded.sampling.temperature = 0.5;
  run_alone(unseeded);
  EXPECT_EQ(run_alone(generate(3, rules + "What is warp?")).text, alone_a);
}

TEST_F(LlamaTextTest, MakesNoEmbeddings) {
  auto status = engine_->start_embed({1, {"x"}, wire::Pooling::mean});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::model_unsupported);
}

TEST_F(LlamaTextTest, AnEncoderIsRefused) {
  auto model = open_test_model(kRandomBge);
  ASSERT_NE(model, nullptr);
  auto engine = LlamaText::open(model, {});
  ASSERT_FALSE(engine.ok());
  EXPECT_EQ(engine.error().code, Code::model_unsupported);
}

TEST_F(LlamaTextTest, TokenizesTextAsContentWithOffsets) {
  const std::string text = "Hello <|eot_id|> 漢字!";
  auto tokens = engine_->tokenize({1, text});
  ASSERT_TRUE(tokens.ok());
  ASSERT_EQ(tokens->ids.size(), tokens->ends.size());
  EXPECT_EQ(tokens->ends.back(), text.size());
  for (const std::int32_t id : tokens->ids) EXPECT_LT(id, 128000);
}

TEST(LlamaModelFile, ThatIsMissingOrBrokenIsSaidSo) {
  EngineLog log;
  const auto any = [](float) { return true; };
  EXPECT_EQ(LlamaModel::open("/nowhere/model.gguf", log, any).error().code, Code::not_found);
  const std::string path = testing::TempDir() + "/broken.gguf";
  std::FILE* file = std::fopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  std::fputs("GGUF but not really", file);
  std::fclose(file);
  auto broken = LlamaModel::open(path, log, any);
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().code, Code::model_load_failed);
  EXPECT_NE(broken.error().message.find("broken.gguf"), std::string::npos);
}

TEST(LlamaModelFile, CanBeGivenUpWhileLoading) {
  EngineLog log;
  const std::string path = test_model_path(kTinyLlama3);
  ASSERT_FALSE(path.empty());
  auto model = LlamaModel::open(path, log, [](float) { return false; });
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().code, Code::cancelled);
}

}  // namespace
}  // namespace selvedge::engines
