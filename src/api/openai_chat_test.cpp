// Tests of OpenAI chat: what a request means, and the exact JSON of choices.
#include "api/openai_chat.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace selvedge::api {
namespace {

using nlohmann::json;

json request() {
  return {{"model", "@cf/text"}, {"messages", {{{"role", "user"}, {"content", "hi"}}}}};
}

OpenAiCall parsed(const json& body, OpenAiDefaults defaults = plain_openai_defaults()) {
  auto call = parse_chat(body, defaults);
  if (const auto* fault = std::get_if<OpenAiFault>(&call)) {
    ADD_FAILURE() << fault->error.message;
    return {};
  }
  return std::get<OpenAiCall>(call);
}

std::string fault_param(const json& body) {
  auto call = parse_chat(body, plain_openai_defaults());
  const auto* fault = std::get_if<OpenAiFault>(&call);
  return fault == nullptr ? "no fault" : fault->param;
}

TEST(OpenAiChat, ADefaultLengthIsCutToTheWindowAndAnAskedOneIsNot) {
  const OpenAiCall plain = parsed(request());
  ASSERT_EQ(plain.tasks.size(), 1u);
  EXPECT_EQ(plain.tasks[0].tokens_max, 2048);
  EXPECT_TRUE(plain.tasks[0].cut_to_window);
  EXPECT_EQ(parsed(request(), hosted_openai_defaults()).tasks[0].tokens_max, 256);
  json body = request();
  body["max_completion_tokens"] = 9;
  EXPECT_EQ(parsed(body).tasks[0].tokens_max, 9);
  EXPECT_FALSE(parsed(body).tasks[0].cut_to_window);
}

TEST(OpenAiChat, ChoicesOfASeededCallHaveSeedsOfTheirOwn) {
  json body = request();
  body["n"] = 3;
  body["seed"] = 41;
  const OpenAiCall call = parsed(body);
  ASSERT_EQ(call.tasks.size(), 3u);
  for (std::size_t at = 0; at < 3; ++at) {
    EXPECT_TRUE(call.tasks[at].sampling.has_seed);
    EXPECT_EQ(call.tasks[at].sampling.seed, 41 + at);
    EXPECT_EQ(call.tasks[at].messages.size(), 1u);
  }
}

TEST(OpenAiChat, ThePathMayNameTheModel) {
  json body = request();
  body.erase("model");
  EXPECT_EQ(fault_param(body), "model");
  const auto call = parse_chat(body, plain_openai_defaults(), false);
  EXPECT_TRUE(std::holds_alternative<OpenAiCall>(call));
}

TEST(OpenAiChat, RolesBecomeThoseOfTheTemplate) {
  json body = request();
  body["messages"] = json::array();
  for (const char* role : {"developer", "system", "user", "assistant", "tool", "function"}) {
    body["messages"].push_back({{"role", role}, {"content", "x"}});
  }
  std::string roles;
  const OpenAiCall call = parsed(body);
  for (const auto& message : call.tasks[0].messages) roles += message.role + " ";
  EXPECT_EQ(roles, "system system user assistant tool tool ");
}

TEST(OpenAiChat, WhatWouldChangeTheAnswerIsRefused) {
  for (const auto& [name, value] : std::map<std::string, json>{{"functions", {{{"name", "f"}}}},
                                                               {"tool_choice", "required"},
                                                               {"response_format", "json"},
                                                               {"audio", {{"voice", "x"}}},
                                                               {"modalities", {"audio"}}}) {
    json body = request();
    body[name] = value;
    EXPECT_EQ(fault_param(body), name);
  }
}

TEST(OpenAiChat, AChoiceIsWrittenInOpenAisForm) {
  ChatForm form;
  std::string text;
  form.append_choice(text, 2, {"a \"b\"", std::nullopt, wire::FinishReason::length});
  EXPECT_EQ(text, R"({"index":2,"message":{"role":"assistant","content":"a \"b\"","refusal":null},)"
                  R"("logprobs":null,"finish_reason":"length"})");
  text.clear();
  Choice called{"", std::nullopt, wire::FinishReason::stop};
  called.calls_tools = true;
  called.tool_calls = {{"id", "f", "{}"}};
  form.append_choice(text, 0, called);
  EXPECT_EQ(text,
            R"({"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"id",)"
            R"("type":"function","function":{"name":"f","arguments":"{}"}}],"refusal":null},)"
            R"("logprobs":null,"finish_reason":"tool_calls"})");
  text.clear();
  form.append_piece(text, 0, {"x", std::vector<wire::TokenLogprob>{{"x", -1.5f, {}}}, {}});
  EXPECT_EQ(text, R"({"index":0,"delta":{"content":"x"},"logprobs":{"content":[{"token":"x",)"
                  R"("logprob":-1.5,"bytes":[120],"top_logprobs":[]}],"refusal":null},)"
                  R"("finish_reason":null})");
}

}  // namespace
}  // namespace selvedge::api
