// Tests of OpenAI embedding: both forms of a vector.
#include "api/openai_embedding.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace selvedge::api {
namespace {

inference::Embeddings two_rows() {
  inference::Embeddings embeddings;
  embeddings.dimensions = 2;
  embeddings.values = {0.6F, -0.8F, 1, 0};
  embeddings.usage.prompt_tokens = 5;
  return embeddings;
}

TEST(OpenAiEmbedding, ValuesAreShortestDecimals) {
  OpenAiEmbedCall call;
  call.model = "m";
  EXPECT_EQ(openai_embed_result(two_rows(), call, 0.5),
            R"({"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.6,-0.8]},)"
            R"({"object":"embedding","index":1,"embedding":[1,0]}],"model":"m",)"
            R"("usage":{"prompt_tokens":5,"total_tokens":5,"neurons":0.5}})");
}

TEST(OpenAiEmbedding, Base64HoldsLittleEndianFloats) {
  OpenAiEmbedCall call;
  call.base64 = true;
  const std::string json = openai_embed_result(two_rows(), call, 0);
  EXPECT_NE(json.find(R"("embedding":"mpkZP83MTL8=")"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("embedding":"AACAPwAAAAA=")"), std::string::npos) << json;
}

TEST(OpenAiEmbedding, AnInputWithoutTextIsNamed) {
  const nlohmann::json body = {{"model", "m"}, {"input", {"a", ""}}};
  const auto parsed = parse_openai_embed(body);
  ASSERT_TRUE(std::holds_alternative<OpenAiFault>(parsed));
  EXPECT_EQ(std::get<OpenAiFault>(parsed).param, "input[1]");
}

}  // namespace
}  // namespace selvedge::api
