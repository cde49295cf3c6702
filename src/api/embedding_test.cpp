// Tests of embedding: texts in, shape and rows out.
#include "api/embedding.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace selvedge::api {
namespace {

using nlohmann::json;

std::string refusal(const json& input) {
  const auto parsed = parse_embed(input);
  return parsed.ok() ? "accepted" : parsed.error().message;
}

TEST(Embedding, OneTextAndManyAreTaken) {
  const auto one = parse_embed(json::parse(R"({"text":"a"})"));
  ASSERT_TRUE(one.ok());
  EXPECT_EQ(one->texts, std::vector<std::string>{"a"});
  EXPECT_EQ(one->pooling, wire::Pooling::mean);
  const auto many = parse_embed(json::parse(R"({"text":["a","b"],"pooling":"cls"})"));
  ASSERT_TRUE(many.ok());
  EXPECT_EQ(many->texts.size(), 2u);
  EXPECT_EQ(many->pooling, wire::Pooling::cls);
}

TEST(Embedding, RefusalsAreInTheValidatorsWords) {
  EXPECT_EQ(refusal(json::object()), "required properties at '/' are 'text'");
  EXPECT_EQ(refusal({{"text", 5}}),
            "oneOf at '/text' not met, 0 matches: Type mismatch of '/text', 'string' not in "
            "'integer', Type mismatch of '/text', 'array' not in 'integer'");
  EXPECT_EQ(refusal({{"text", ""}}), "Length of '/text' must be >= 1 not met");
  EXPECT_EQ(refusal({{"text", {"a", 1.5}}}),
            "Type mismatch of '/text/1', 'string' not in 'number'");
  EXPECT_EQ(refusal({{"text", json::array()}}), "Length of '/text' must be >= 1 not met");
  EXPECT_EQ(refusal({{"text", std::vector<std::string>(101, "a")}}),
            "Length of '/text' must be <= 100 not met");
  EXPECT_EQ(refusal({{"text", "a"}, {"pooling", "max"}}), "enum max not in mean,cls at '/pooling'");
}

TEST(Embedding, TheResultHasShapeRowsAndPooling) {
  inference::Embeddings embeddings;
  embeddings.dimensions = 2;
  embeddings.values = {0.5F, 0.2321F, -1.0F, 0.0F};
  EXPECT_EQ(embed_result(embeddings, wire::Pooling::mean),
            R"({"shape":[2,2],"data":[[0.5,0.2321],[-1,0]],"pooling":"mean"})");
}

}  // namespace
}  // namespace selvedge::api
