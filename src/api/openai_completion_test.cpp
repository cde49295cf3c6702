// Tests of OpenAI completion: prompts, their choices, and offsets across chunks.
#include "api/openai_completion.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace selvedge::api {
namespace {

using nlohmann::json;

TEST(OpenAiCompletion, PromptsAreContinuedRawAndChoicesStandTogether) {
  const json body = {{"model", "m"}, {"prompt", {"a", "b"}}, {"n", 2}, {"echo", true}};
  const auto parsed = parse_completion(body, plain_openai_defaults());
  ASSERT_TRUE(std::holds_alternative<OpenAiCall>(parsed));
  const auto& call = std::get<OpenAiCall>(parsed);
  ASSERT_EQ(call.tasks.size(), 4u);
  std::string prompts;
  for (const auto& task : call.tasks) {
    EXPECT_TRUE(task.raw);
    prompts += task.prompt;
  }
  EXPECT_EQ(prompts, "aabb");
  EXPECT_EQ(call.echoes, (std::vector<std::string>{"a", "a", "b", "b"}));
}

TEST(OpenAiCompletion, TokenNumbersAreRefused) {
  const json body = {{"model", "m"}, {"prompt", {1, 2}}};
  const auto parsed = parse_completion(body, plain_openai_defaults());
  ASSERT_TRUE(std::holds_alternative<OpenAiFault>(parsed));
  EXPECT_EQ(std::get<OpenAiFault>(parsed).param, "prompt[0]");
}

TEST(OpenAiCompletion, OffsetsCountCharactersOfEachChoice) {
  CompletionForm form({});
  const auto piece = [](std::string text) {
    return Choice{text, std::vector<wire::TokenLogprob>{{text, -1, {}}}, {}};
  };
  std::string text;
  form.append_piece(text, 0, piece("漢字"));
  form.append_piece(text, 1, piece("x"));
  text.clear();
  form.append_piece(text, 0, piece("y"));
  EXPECT_NE(text.find("\"text_offset\":[2]"), std::string::npos) << text;
  text.clear();
  form.append_piece(text, 1, piece("y"));
  EXPECT_NE(text.find("\"text_offset\":[1]"), std::string::npos) << text;
}

}  // namespace
}  // namespace selvedge::api
