// Tests of OpenAI logprobs: bytes that are no text, and rivals of one name.
#include "api/openai_logprobs.h"

#include <gtest/gtest.h>

namespace selvedge::api {
namespace {

TEST(OpenAiLogprobs, WithoutThemIsNull) {
  std::string json;
  append_chat_logprobs(json, std::nullopt);
  std::size_t characters = 0;
  append_completion_logprobs(json, std::nullopt, characters);
  EXPECT_EQ(json, "nullnull");
}

TEST(OpenAiLogprobs, BytesThatAreNoCharacterAreWrittenAsSuch) {
  const std::vector<wire::TokenLogprob> tokens = {{" \xE6\xBC", -0.5f, {}}, {"\xA2", -1, {}}};
  std::string json;
  append_chat_logprobs(json, tokens);
  EXPECT_EQ(json, R"({"content":[{"token":" \\xe6\\xbc","logprob":-0.5,"bytes":[32,230,188],)"
                  R"("top_logprobs":[]},{"token":"\\xa2","logprob":-1,"bytes":[162],)"
                  R"("top_logprobs":[]}],"refusal":null})");
}

TEST(OpenAiLogprobs, OfTwoRivalsWithOneTextTheLikelierStays) {
  const std::vector<wire::TokenLogprob> tokens = {
      {"b", -3, {{"a", -1}, {"a", -2}, {"\xFF", -2.5f}}}};
  std::string json;
  std::size_t characters = 7;
  append_completion_logprobs(json, tokens, characters);
  EXPECT_EQ(json, R"({"tokens":["b"],"token_logprobs":[-3],"top_logprobs":[{"a":-1,)"
                  R"("bytes:\\xff":-2.5,"b":-3}],"text_offset":[7]})");
  EXPECT_EQ(characters, 8u);
}

}  // namespace
}  // namespace selvedge::api
