// Tests of text generation: what inputs become, and the words of refusals.
#include "api/text_generation.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/model_inputs.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

catalog::ModelEntry legacy_model() {
  catalog::ModelEntry entry;
  entry.task_name = "Text Generation";
  return entry;
}

// The schema comes first, as in a call.
Result<GenerateCall> parse(const json& input) {
  static const auto kInputs = ModelInputs::built_in();
  SEL_CHECK_OK(kInputs->check(legacy_model(), input));
  return parse_generate(input);
}

std::string refusal(const char* text) {
  const auto parsed = parse(json::parse(text));
  return parsed.ok() ? "accepted" : parsed.error().message;
}

TEST(TextGeneration, DefaultsAreCloudflares) {
  const auto call = parse(json::parse(R"({"prompt":"hi","unknown":[1]})"));
  ASSERT_TRUE(call.ok()) << call.error().message;
  EXPECT_EQ(call->task.prompt, "hi");
  EXPECT_EQ(call->task.tokens_max, 256);
  EXPECT_DOUBLE_EQ(call->task.sampling.temperature, 0.6);
  EXPECT_FALSE(call->task.sampling.has_seed);
  EXPECT_FALSE(call->stream);
}

TEST(TextGeneration, EveryFieldReachesTheTask) {
  const auto call = parse(json::parse(
      R"({"messages":[{"role":"developer","content":"s"},{"role":"user","content":[
      {"type":"text","text":"a"},{"type":"text","text":"b"}]},{"role":"assistant","content":null}],
      "max_tokens":7,"temperature":5,"top_p":0.5,"top_k":50,"seed":9999999999,
      "repetition_penalty":2,"frequency_penalty":-2,"presence_penalty":1.5,"raw":"true",
      "stream":true,"lora":null,"tools":[],"prompt":"left out"})"));
  ASSERT_TRUE(call.ok()) << call.error().message;
  ASSERT_EQ(call->task.messages.size(), 3u);
  EXPECT_EQ(call->task.messages[0].role, "system");
  EXPECT_EQ(call->task.messages[1].content, "ab");
  EXPECT_EQ(call->task.messages[2].content, "");
  EXPECT_TRUE(call->task.prompt.empty());
  EXPECT_EQ(call->task.tokens_max, 7);
  EXPECT_EQ(call->task.sampling.seed, 9'999'999'999u);
  EXPECT_TRUE(call->task.sampling.has_seed);
  EXPECT_EQ(call->task.sampling.top_k, 50);
  EXPECT_DOUBLE_EQ(call->task.sampling.frequency_penalty, -2);
  EXPECT_TRUE(call->task.raw);
  EXPECT_TRUE(call->stream);
}

TEST(TextGeneration, RefusalsAreInTheValidatorsWords) {
  const std::string begin = "oneOf at '/' not met, 0 matches: ";
  EXPECT_EQ(refusal("{}"), begin +
                               "required properties at '/' are 'prompt', "
                               "required properties at '/' are 'messages'");
  EXPECT_EQ(refusal(R"({"messages":[{"role":"user","content":5}]})"),
            begin +
                "required properties at '/' are 'prompt', "
                "Type mismatch of '/messages/0/content', 'string' not in 'number','integer', "
                "Type mismatch of '/messages/0/content', 'array' not in 'number','integer', "
                "oneOf at '/messages/0/content' not met, 0 matches");
  EXPECT_EQ(refusal(R"({"messages":[{"role":"robot","content":""}]})"),
            "enum robot not in system,user,assistant,tool at '/messages/0/role'");
  EXPECT_EQ(refusal(R"({"prompt":""})"), begin +
                                             "Length of '/prompt' must be >= 1 not met, "
                                             "required properties at '/' are 'messages'");
  EXPECT_EQ(refusal(R"({"prompt":"x","temperature":5.1})"), begin + "'/temperature' must be <= 5");
  EXPECT_EQ(refusal(R"({"prompt":"x","max_tokens":1.5})"),
            begin + "Type mismatch of '/max_tokens', 'integer' not in 'number'");
}

TEST(TextGeneration, WhatAsksForNothingUnservedIsTaken) {
  EXPECT_EQ(refusal(R"({"messages":[{"role":"user","content":"x"}],"tools":[{"name":"f"}],
                       "tool_choice":"none","response_format":{"type":"text"}})"),
            "accepted");
  EXPECT_EQ(refusal(R"({"messages":[{"role":"assistant","tool_calls":[{"name":"f"}]},
                       {"role":"tool","content":null,"tool_call_id":"1"}],"stream":null})"),
            "accepted");
}

TEST(TextGeneration, OddValuesAreRefused) {
  for (const char* text :
       {R"({"messages":[]})",
        R"({"messages":{}})",
        R"({"messages":[1]})",
        R"({"messages":[{"content":"x"}]})",
        R"({"messages":[{"role":1,"content":"x"}]})",
        R"({"messages":[{"role":"user"}]})",
        R"({"messages":[{"role":"user","content":null}]})",
        R"({"messages":[{"role":"user","content":[{"type":"image_url"}]}]})",
        R"({"messages":[{"role":"user","content":[{"text":"x"}]}]})",
        R"({"messages":[{"role":"user","content":["x"]}]})",
        R"({"prompt":1})",
        R"({"prompt":"x","max_tokens":0})",
        R"({"prompt":"x","max_tokens":1e300})",
        R"({"prompt":"x","top_k":51})",
        R"({"prompt":"x","top_p":2.1})",
        R"({"prompt":"x","seed":0})",
        R"({"prompt":"x","seed":99999999999999999999})",
        R"({"prompt":"x","temperature":"hot"})",
        R"({"prompt":"x","stream":"yes"})",
        R"({"prompt":"x","raw":1})",
        R"({"prompt":"x","repetition_penalty":-0.1})",
        R"({"messages":[{"role":"user","content":"x"}],"tools":[{"name":"f g"}]})",
        R"({"prompt":"x","lora":7})",
        R"({"prompt":"x","response_format":{"type":"json_schema"}})"}) {
    EXPECT_NE(refusal(text), "accepted") << text;
  }
  EXPECT_EQ(refusal(R"({"prompt":"x","response_format":{"type":"text"}})"), "accepted");
  EXPECT_EQ(refusal(R"({"prompt":"x","lora":"weaver"})"), "accepted");
}

TEST(TextGeneration, AVerdictIsReadOutOfTheGuardsWords) {
  EXPECT_EQ(verdict_json("\n\nsafe"), R"({"safe":true})");
  EXPECT_EQ(verdict_json("unsafe\nS1,S10"), R"({"safe":false,"categories":["S1","S10"]})");
  EXPECT_EQ(verdict_json("unsafe"), R"({"safe":false,"categories":[]})");
}

TEST(TextGeneration, JsonThatIsNoneIsAnError) {
  Completion completion;
  completion.text = R"({"a":)";
  EXPECT_EQ(generate_result(completion, ResponseKind::json, 0).error().code, Code::json_mode_unmet);
  completion.text = std::string(100, '[') + std::string(100, ']');
  EXPECT_EQ(generate_result(completion, ResponseKind::json, 0).error().code, Code::json_mode_unmet);
  completion.text = "{\"b\": 1,\n \"a\": 2}";
  const auto made = generate_result(completion, ResponseKind::json, 0);
  ASSERT_TRUE(made.ok());
  EXPECT_TRUE(made->starts_with(R"({"response":{"b":1,"a":2},"usage")")) << *made;
}

}  // namespace
}  // namespace selvedge::api
