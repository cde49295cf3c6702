// Tests of recorded calls: what makes two calls the same, and what reading refuses.
#include "inference/recorded_call.h"

#include <cmath>
#include <functional>
#include <set>

#include <gtest/gtest.h>

namespace selvedge::inference {
namespace {

using nlohmann::json;

class RecordedCallTest : public testing::Test {
 protected:
  RecordedCallTest() {
    entry_.id = "@cf/text";
    model_.entry = &entry_;
  }
  static GenerateTask task() {
    GenerateTask task;
    task.prompt = "hello";
    return task;
  }
  std::string name(const GenerateTask& task) const { return asked_call(model_, task).name(); }

  catalog::ModelEntry entry_;
  catalog::Resolved model_;
};

TEST_F(RecordedCallTest, EveryFieldThatChangesTheAnswerChangesTheName) {
  const std::vector<std::function<void(GenerateTask&)>> changes = {
      [](auto& t) { t.prompt = "hello "; },
      [](auto& t) {
        t.messages = {{"user", "hello"}};
      },
      [](auto& t) {
        t.messages = {{"system", "hello"}};
      },
      [](auto& t) { t.raw = true; },
      [](auto& t) { t.tokens_max = 255; },
      [](auto& t) { t.stop = {"x"}; },
      [](auto& t) { t.cut_to_window = true; },
      [](auto& t) { t.adapter.name = "weaver"; },
      [](auto& t) { t.sampling.temperature = 0.7; },
      [](auto& t) { t.sampling.top_p = 0.5; },
      [](auto& t) { t.sampling.top_k = 3; },
      [](auto& t) { t.sampling.has_seed = true; },
      [](auto& t) { t.sampling.repetition_penalty = 1.1; },
      [](auto& t) { t.sampling.frequency_penalty = 0.1; },
      [](auto& t) { t.sampling.presence_penalty = 0.1; },
      [](auto& t) {
        t.sampling.logit_bias = {{3, 0.5F}};
      },
      [](auto& t) { t.sampling.logprobs = true; },
      [](auto& t) { t.chat.tools = "[]"; },
      [](auto& t) { t.chat.tool_choice = "required"; },
      [](auto& t) { t.chat.parallel_tool_calls = false; },
      [](auto& t) { t.chat.json_schema = "{}"; },
      [](auto& t) { t.chat.template_values = "{}"; },
      [](auto& t) { t.chat.parse_reasoning = true; },
      [](auto& t) {
        t.messages = {{"assistant", "hello", "[]"}};
      },
      [](auto& t) {
        t.messages = {{"tool", "hello", "", "id"}};
      },
      [](auto& t) {
        t.messages = {{"tool", "hello", "", "", "name"}};
      },
      [](auto& t) {
        t.messages = {{"assistant", "hello", "", "", "", "thought"}};
      },
  };
  std::vector<std::string> names = {name(task())};
  for (const auto& change : changes) {
    GenerateTask changed = task();
    change(changed);
    names.push_back(name(changed));
    EXPECT_EQ(std::count(names.begin(), names.end(), names.back()), 1) << names.size();
  }
  GenerateTask busy = task();
  busy.refuse_when_busy = true;
  EXPECT_EQ(name(busy), names.front());
  entry_.id = "@cf/other";
  EXPECT_NE(name(task()), names.front());
}

TEST_F(RecordedCallTest, OfEmbeddingsTextsPoolingAndRoleCount) {
  EmbedTask task;
  task.texts = {"a", "b"};
  const std::string first = asked_call(model_, task).name();
  EmbedTask other = task;
  other.pooling = wire::Pooling::cls;
  EXPECT_NE(asked_call(model_, other).name(), first);
  other = task;
  other.role = EmbedRole::query;
  EXPECT_NE(asked_call(model_, other).name(), first);
  other = task;
  other.texts = {"ab"};
  EXPECT_NE(asked_call(model_, other).name(), first);
  EXPECT_NE(asked_call(model_, std::string("a")).name(), first);
}

TEST_F(RecordedCallTest, AGenerationComesBackPieceByPieceWithItsLogprobs) {
  Generated generated;
  Piece first;
  first.text = "強";
  first.logprobs = {{"\xE5\xBC", -0.1F, {{"\xE5\xBC", -0.1F}, {"x", -2.5F}}}, {"\xB7", -0.3F}};
  Piece last;
  last.text = " \"quoted\"\n";
  last.last = true;
  last.reason = wire::FinishReason::length;
  last.usage = {5, 2, 7};
  generated.pieces = {first, last};
  const json answer = json::parse(answer_json(generated).dump());
  const auto read = generated_from(answer);
  ASSERT_TRUE(read.ok()) << read.error().message;
  ASSERT_EQ(read->pieces.size(), 2U);
  EXPECT_EQ(read->pieces[0].text, first.text);
  EXPECT_FALSE(read->pieces[0].last);
  ASSERT_EQ(read->pieces[0].logprobs.size(), 2U);
  EXPECT_EQ(read->pieces[0].logprobs[0].bytes, "\xE5\xBC");
  EXPECT_EQ(read->pieces[0].logprobs[0].logprob, -0.1F);
  EXPECT_EQ(read->pieces[0].logprobs[0].top[1].bytes, "x");
  EXPECT_EQ(read->pieces[1].text, last.text);
  EXPECT_TRUE(read->pieces[1].last);
  EXPECT_EQ(read->pieces[1].reason, wire::FinishReason::length);
  EXPECT_EQ(read->pieces[1].usage.cached_tokens, 2);
}

TEST_F(RecordedCallTest, ReasoningCallsAndTheStopComeBack) {
  Generated generated;
  Piece first;
  first.reasoning = "hm";
  first.tool_calls = {{0, "id", "name", "{"}, {1, "", "other", ""}};
  Piece last;
  last.text = "done";
  last.last = true;
  last.stop = "END";
  generated.pieces = {first, last};
  const auto read = generated_from(json::parse(answer_json(generated).dump()));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->pieces[0].reasoning, "hm");
  EXPECT_EQ(read->pieces[0].tool_calls, first.tool_calls);
  EXPECT_EQ(read->pieces[1].stop, "END");
  json damaged = answer_json(generated);
  damaged["pieces"][0]["tool_calls"][0]["index"] = -1;
  EXPECT_EQ(generated_from(damaged).error().code, Code::corrupt_data);
}

TEST_F(RecordedCallTest, VectorsComeBackBitByBit) {
  Embeddings embeddings;
  embeddings.dimensions = 4;
  embeddings.values = {0.1F,        -1.0F / 3, 1e-38F,   16'777'217.0F,
                       0.70710677F, 1e-45F,    3.4e+38F, -0.0F};
  embeddings.usage.prompt_tokens = 9;
  const auto read = embeddings_from(json::parse(answer_json(embeddings, 2).dump()), 2);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->dimensions, 4);
  EXPECT_EQ(read->values, embeddings.values);
  EXPECT_TRUE(std::signbit(read->values.back()));
  EXPECT_EQ(read->usage.prompt_tokens, 9);
}

TEST_F(RecordedCallTest, RanksComeBackWithTheirLabels) {
  Ranks ranks;
  ranks.scores = {0.1F, -8.0F / 3, 1e-38F, 7};
  ranks.usage.prompt_tokens = 5;
  const auto plain = ranks_from(json::parse(answer_json(ranks).dump()), 4);
  ASSERT_TRUE(plain.ok()) << plain.error().message;
  EXPECT_EQ(plain->scores, ranks.scores);
  EXPECT_EQ(plain->usage.prompt_tokens, 5);
  ranks.labels = {"NEGATIVE", "POSITIVE"};
  const auto labelled = ranks_from(json::parse(answer_json(ranks).dump()), 2);
  ASSERT_TRUE(labelled.ok()) << labelled.error().message;
  EXPECT_EQ(labelled->labels, ranks.labels);
  EXPECT_EQ(ranks_from(answer_json(ranks), 4).error().code, Code::corrupt_data);
  EXPECT_EQ(ranks_from(answer_json(Error{Code::invalid_input, "x"}), 1).error().code,
            Code::invalid_input);
}

TEST_F(RecordedCallTest, TheTextsOfARankingAreItsName) {
  const auto name = [&](const std::string& query, std::vector<std::string> texts) {
    return asked_call(model_, RankTask{query, std::move(texts)}).name();
  };
  EXPECT_EQ(name("q", {"a", "b"}), name("q", {"a", "b"}));
  EXPECT_NE(name("q", {"a", "b"}), name("q", {"b", "a"}));
  EXPECT_NE(name("q", {"a"}), name("", {"a"}));
  EXPECT_TRUE(name("q", {"a"}).starts_with("rank-"));
}

TEST_F(RecordedCallTest, AnErrorThatWasRecordedComesBackAsItWas) {
  const Error error{Code::context_overflow, "too long"};
  Generated generated;
  generated.pieces.resize(1);
  generated.pieces[0].text = "half";
  generated.error = error;
  const auto half = generated_from(answer_json(generated));
  ASSERT_TRUE(half.ok());
  EXPECT_EQ(half->pieces.size(), 1U);
  EXPECT_EQ(half->error->code, Code::context_overflow);
  EXPECT_EQ(generated_from(answer_json(error))->error->message, "too long");
  EXPECT_EQ(embeddings_from(answer_json(error), 1).error().code, Code::context_overflow);
  EXPECT_EQ(tokens_from(answer_json(error), 1).error().code, Code::context_overflow);
}

TEST_F(RecordedCallTest, AnythingElseIsRefusedAndNothingCrashes) {
  const char* usage = R"("usage":{"prompt_tokens":1,"cached_tokens":0,"completion_tokens":1})";
  const std::string tail = std::string(R"(,"finish":"stop",)") + usage + "}";
  std::vector<std::string> texts = {
      "null",
      "[]",
      "3",
      "{}",
      R"({"pieces":3})",
      R"({"pieces":[]})",
      R"({"pieces":["a"]})",
      R"({"pieces":["a"],"finish":"stop"})",
      R"({"pieces":[3])" + tail,
      R"({"pieces":[[256]])" + tail,
      R"({"pieces":[[255]])" + tail,
      R"({"pieces":[{}])" + tail,
      R"({"pieces":[{"text":"a","logprobs":3}])" + tail,
      R"({"pieces":[{"text":"a","logprobs":[{"token":"a"}]}])" + tail,
      R"({"pieces":[{"text":"a","logprobs":[{"token":"a","logprob":1e99}]}])" + tail,
      R"({"pieces":["a"],"finish":"cancelled",)" + std::string(usage) + "}",
      R"({"pieces":["a"],"finish":"stop","usage":{"prompt_tokens":-1}})",
      R"({"error":{"code":"no such code","message":""}})",
      R"({"error":{"code":7}})",
      R"({"error":"queue_full"})"};
  for (const std::string& text : texts) {
    const json answer = json::parse(text);
    EXPECT_EQ(generated_from(answer).ok(), false) << text;
    EXPECT_EQ(embeddings_from(answer, 1).ok(), false) << text;
    EXPECT_EQ(tokens_from(answer, 1).ok(), false) << text;
    EXPECT_EQ(ranks_from(answer, 1).ok(), false) << text;
  }
  for (const char* text : {R"({"scores":[]})", R"({"scores":["a"]})", R"({"scores":3})",
                           R"({"scores":[1]})", R"({"scores":[1],"labels":3})"}) {
    EXPECT_EQ(ranks_from(json::parse(text), 1).error().code, Code::corrupt_data) << text;
  }
  for (const char* text : {R"({"values":[[1],[2]]})", R"({"values":[[]]})", R"({"values":[["a"]]})",
                           R"({"values":[3]})", R"({"values":[[1]]})"}) {
    EXPECT_EQ(embeddings_from(json::parse(text), 1).error().code, Code::corrupt_data) << text;
  }
  const json uneven = json::parse(R"({"values":[[1,2],[3]]})");
  EXPECT_EQ(embeddings_from(uneven, 2).error().code, Code::corrupt_data);
  for (const char* text :
       {R"({"ids":[1],"ends":[]})", R"({"ids":[1,2],"ends":[2,1]})", R"({"ids":[1],"ends":[9]})",
        R"({"ids":["a"],"ends":[1]})", R"({"ids":[1],"ends":[-1]})"}) {
    EXPECT_EQ(tokens_from(json::parse(text), 3).error().code, Code::corrupt_data) << text;
  }
}

TEST_F(RecordedCallTest, EveryFieldOfATranscriptionCounts) {
  const std::vector<std::function<void(wire::Transcribe&)>> changes = {
      [](auto&) {},
      [](auto& t) { t.audio = "other"; },
      [](auto& t) { t.language = "de"; },
      [](auto& t) { t.translate = true; },
      [](auto& t) { t.prompt = "names"; },
      [](auto& t) { t.prefix = "names"; },
      [](auto& t) { t.skip_silence = true; },
      [](auto& t) { t.beam_size = 5; },
      [](auto& t) { t.condition_on_previous_text = false; },
      [](auto& t) { t.no_speech_threshold = 0.5; },
      [](auto& t) { t.compression_ratio_threshold = 2; },
      [](auto& t) { t.log_prob_threshold = -2; },
      [](auto& t) { t.temperature = 0.2; },
  };
  std::set<std::string> names;
  for (const auto& change : changes) {
    wire::Transcribe task;
    task.audio = "RIFF";
    change(task);
    names.insert(asked_call(model_, task).name());
  }
  EXPECT_EQ(names.size(), changes.size());
}

TEST_F(RecordedCallTest, ATranscriptComesBackAsItWas) {
  wire::Transcript transcript;
  transcript.language = "de";
  transcript.language_name = "german";
  transcript.language_probability = 0.98765432109876543;
  transcript.duration_s = 11.000062;
  transcript.duration_voiced_s = 9.5;
  transcript.segments = {{0, 1.25, " Guten Tag", 0.2, -0.3, 1.1, 0.01, {{"Guten", 0, 0.5}}}, {}};
  const Worked<wire::Transcript> worked{{{0, 11}, {5, 11}}, transcript, std::nullopt};
  const json answer = json::parse(answer_json(worked).dump());
  const auto read = transcribed_from(answer);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(wire::encode(*read->outcome), wire::encode(transcript));
  ASSERT_EQ(read->steps.size(), 2u);
  EXPECT_EQ(read->steps[1].done, 5);
  for (const auto& [name, value] : answer.items()) {
    if (name == "progress") continue;
    json damaged = answer;
    damaged.erase(name);
    EXPECT_EQ(transcribed_from(damaged).error().code, Code::corrupt_data) << name;
  }
  json damaged = answer;
  damaged["segments"][0]["words"][0]["end"] = "late";
  EXPECT_EQ(transcribed_from(damaged).error().code, Code::corrupt_data);
  damaged = answer;
  damaged["progress"][1] = {1};
  EXPECT_EQ(transcribed_from(damaged).error().code, Code::corrupt_data);
}

TEST_F(RecordedCallTest, EveryFieldOfADrawingCounts) {
  const std::vector<std::function<void(wire::Draw&)>> changes = {
      [](auto&) {},
      [](auto& t) { t.prompt = "a dog"; },
      [](auto& t) { t.negative_prompt = "a dog"; },
      [](auto& t) { t.width = 512; },
      [](auto& t) { t.height = 512; },
      [](auto& t) { t.steps = 4; },
      [](auto& t) { t.guidance = 1; },
      [](auto& t) { t.strength = 0.5; },
      [](auto& t) { t.has_seed = true; },
      [](auto& t) { t.image = "a"; },
      [](auto& t) { t.mask = "a"; },
      [](auto& t) { t.sampler = "lcm"; },
      [](auto& t) { t.scheduler = "lcm"; },
      [](auto& t) { t.references = {"a"}; },
      [](auto& t) {
        t.references = {"a", "b"};
      },
  };
  std::set<std::string> names;
  for (const auto& change : changes) {
    wire::Draw task;
    task.prompt = "a cat";
    change(task);
    names.insert(asked_call(model_, task).name());
  }
  EXPECT_EQ(names.size(), changes.size());
}

TEST_F(RecordedCallTest, APictureComesBackAsItWasAndNothingElseIsTakenForOne) {
  wire::Picture picture;
  picture.width = 2;
  picture.height = 3;
  picture.seed = 18'446'744'073'709'551'615u;
  picture.pixels = std::string("\0\1\2\3\4\5\xFF\xFE\xFD\0\0\0\1\1\1\2\2\2", 18);
  const json answer = json::parse(answer_json(Worked<wire::Picture>{{}, picture, {}}).dump());
  EXPECT_FALSE(answer.contains("progress"));
  EXPECT_FALSE(answer.contains("reference_sides"));
  json with_sides = answer;
  with_sides["reference_sides"] = {64u, 32u};
  EXPECT_EQ(drawn_from(with_sides)->outcome->reference_sides, (std::vector<std::int32_t>{64, 32}));
  with_sides["reference_sides"] = {64u};
  EXPECT_EQ(drawn_from(with_sides).error().code, Code::corrupt_data);
  const auto read = drawn_from(answer);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(wire::encode(*read->outcome), wire::encode(picture));
  for (const auto& [name, value] : answer.items()) {
    json damaged = answer;
    damaged.erase(name);
    EXPECT_EQ(drawn_from(damaged).error().code, Code::corrupt_data) << name;
  }
  picture.pixels += "xxx";
  const std::string too_many =
      answer_json(Worked<wire::Picture>{{}, picture, {}})["pixels"].get<std::string>();
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, json>>{{"width", 3},
                                                 {"width", 0},
                                                 {"height", 2'000'000'000},
                                                 {"pixels", ""},
                                                 {"pixels", "aGVsbG8="},
                                                 {"pixels", "?"},
                                                 {"pixels", too_many},
                                                 {"seed", -1}}) {
    json damaged = answer;
    damaged[name] = value;
    EXPECT_EQ(drawn_from(damaged).error().code, Code::corrupt_data) << name << " " << value;
  }
  const Worked<wire::Picture> failed{{}, std::nullopt, Error{Code::invalid_input, "image: none"}};
  EXPECT_EQ(drawn_from(answer_json(failed))->error->message, "image: none");
}

}  // namespace
}  // namespace selvedge::inference
