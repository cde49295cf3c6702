// Tests of embedding: texts in, shape and rows out.
#include "api/embedding.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/model_inputs.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

constexpr std::string_view kBge = "@cf/baai/bge-base-en-v1.5";
constexpr std::string_view kM3 = "@cf/baai/bge-m3";
constexpr std::string_view kQwen = "@cf/qwen/qwen3-embedding-0.6b";

std::string refusal(std::string_view id, const json& input) {
  static const auto kInputs = ModelInputs::built_in();
  catalog::ModelEntry entry;
  entry.id = id;
  entry.task_name = "Text Embeddings";
  const Status checked = kInputs->check(entry, input);
  if (!checked.ok()) return checked.error().message;
  const auto parsed = parse_embed(input, id);
  return parsed.ok() ? "accepted" : parsed.error().message;
}

TEST(Embedding, OneTextAndManyAreTaken) {
  const auto one = parse_embed(json::parse(R"({"text":"a"})"), kBge);
  ASSERT_TRUE(one.ok());
  EXPECT_EQ(one->task.texts, std::vector<std::string>{"a"});
  EXPECT_EQ(one->task.pooling, wire::Pooling::mean);
  const auto many = parse_embed(json::parse(R"({"text":["a","b"],"pooling":"cls"})"), kBge);
  ASSERT_TRUE(many.ok());
  EXPECT_EQ(many->task.texts.size(), 2u);
  EXPECT_EQ(many->task.pooling, wire::Pooling::cls);
}

TEST(Embedding, EveryFamilyHasItsForms) {
  const auto scores =
      parse_embed(json::parse(R"({"query":"q","contexts":[{"text":"a"},{"text":"b"}]})"), kM3);
  ASSERT_TRUE(scores.ok());
  EXPECT_EQ(scores->form, EmbedForm::scores);
  EXPECT_EQ(scores->task.texts, (std::vector<std::string>{"q", "a", "b"}));
  EXPECT_EQ(parse_embed(json::parse(R"({"contexts":[{"text":"a"}]})"), kM3)->form,
            EmbedForm::contexts);
  // Null is nothing.
  EXPECT_EQ(parse_embed(json::parse(R"({"contexts":[{"text":"a"}],"query":null})"), kM3)->form,
            EmbedForm::contexts);
  EXPECT_EQ(parse_embed(json::parse(R"({"text":"a","contexts":null})"), kM3)->form,
            EmbedForm::pooled);
  const auto qwen =
      parse_embed(json::parse(R"({"documents":["d"],"queries":"q","instruction":"find"})"), kQwen);
  ASSERT_TRUE(qwen.ok());
  EXPECT_EQ(qwen->form, EmbedForm::plain);
  EXPECT_EQ(qwen->task.texts, (std::vector<std::string>{"Instruct: find\nQuery:q", "d"}));
}

TEST(Embedding, RefusalsAreInTheValidatorsWords) {
  EXPECT_EQ(refusal(kBge, json::object()), "required properties at '/' are 'text'");
  EXPECT_EQ(refusal(kBge, {{"text", true}}),
            "oneOf at '/text' not met, 0 matches: Type mismatch of '/text', 'string' not in "
            "'boolean', Type mismatch of '/text', 'array' not in 'boolean'");
  EXPECT_NE(refusal(kBge, {{"text", ""}}).find("Length of '/text' must be >= 1 not met"),
            std::string::npos);
  EXPECT_NE(refusal(kBge, {{"text", std::vector<std::string>(101, "a")}})
                .find("Length of '/text' must be <= 100"),
            std::string::npos);
  EXPECT_EQ(refusal(kBge, {{"text", "a"}, {"pooling", "max"}}),
            "enum max not in mean,cls at '/pooling'");
  EXPECT_NE(refusal(kM3, {{"query", "q"}}), "accepted");
  EXPECT_EQ(refusal(kQwen, {{"instruction", "i"}}).substr(0, 22), "anyOf at '/' not met: ");
  EXPECT_EQ(refusal(kQwen, {{"queries", std::vector<std::string>(60, "a")},
                            {"documents", std::vector<std::string>(60, "a")}}),
            "Length of '/' must be <= 100");
}

TEST(Embedding, ScoresAreCosinesTheHighestFirst) {
  inference::Embeddings embeddings;
  embeddings.dimensions = 2;
  embeddings.values = {1.0F, 0.0F, 0.0F, 1.0F, 0.5F, 0.0F};
  EXPECT_EQ(embed_result(embeddings, EmbedForm::scores, wire::Pooling::mean),
            R"({"response":[{"id":1,"score":0.5},{"id":0,"score":0}]})");
}

TEST(Embedding, TheResultHasShapeRowsAndPooling) {
  inference::Embeddings embeddings;
  embeddings.dimensions = 2;
  embeddings.values = {0.5F, 0.2321F, -1.0F, 0.0F};
  EXPECT_EQ(embed_result(embeddings, EmbedForm::plain, wire::Pooling::mean),
            R"({"data":[[0.5,0.2321],[-1,0]],"shape":[2,2]})");
  EXPECT_EQ(embed_result(embeddings, EmbedForm::contexts, wire::Pooling::cls),
            R"({"response":[[0.5,0.2321],[-1,0]],"shape":[2,2],"pooling":"cls"})");
  EXPECT_EQ(embed_result(embeddings, EmbedForm::pooled, wire::Pooling::mean),
            R"({"shape":[2,2],"data":[[0.5,0.2321],[-1,0]],"pooling":"mean"})");
}

}  // namespace
}  // namespace selvedge::api
