// Model listing: ids, dates and prices as Cloudflare and OpenRouter write them.
#include "api/model_listing.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace selvedge::api {
namespace {

using nlohmann::json;

catalog::ModelEntry model() {
  catalog::ModelEntry entry;
  entry.id = "@cf/meta/llama-3-8b-instruct";
  entry.uuid = "0f8c";
  entry.task = catalog::Task::text_generation;
  entry.task_name = "Text Generation";
  entry.context_tokens = 8192;
  entry.prices.per_m_input_tokens = 25608;
  entry.prices.per_m_output_tokens = 75147;
  entry.prices.units = {
      {"per_m_input_tokens", 25608}, {"per_audio_minute", 41.14}, {"a_new_one", 0}};
  return entry;
}

json listed(const catalog::ModelEntry& entry, bool retired = false) {
  std::string text;
  append_model(text, entry, retired);
  return json::parse(text);
}

json property(const json& listed_model, const std::string& id) {
  for (const json& one : listed_model["properties"]) {
    if (one["property_id"] == id) return one["value"];
  }
  return nullptr;
}

TEST(ModelListing, AuthorStandsBetweenTheSlashes) {
  EXPECT_EQ(author_of("@cf/meta/llama-3-8b-instruct"), "meta");
  EXPECT_EQ(author_of("@cf/meta"), "");
  EXPECT_EQ(author_of("meta"), "");
}

TEST(ModelListing, DatesBecomeSeconds) {
  EXPECT_EQ(seconds_of_date("1970-01-02"), 86'400);
  EXPECT_EQ(seconds_of_date("2023-09-25 19:21:11.898"), 1'695'600'000);
  EXPECT_EQ(seconds_of_date("2023-13-25"), 0);
  EXPECT_EQ(seconds_of_date("soon"), 0);
  EXPECT_EQ(seconds_of_date(""), 0);
}

TEST(ModelListing, PricesAreDollarsWithThreeDecimalsOrDigits) {
  const json price = property(listed(model()), "price");
  EXPECT_EQ(price[0],
            json::parse(R"({"unit":"per M input tokens","price":0.282,"currency":"USD"})"));
  EXPECT_EQ(price[1],
            json::parse(R"({"unit":"per audio minute","price":0.000453,"currency":"USD"})"));
  EXPECT_EQ(price[2], json::parse(R"({"unit":"a new one","price":0,"currency":"USD"})"));
}

TEST(ModelListing, TheWindowOfAnEmbeddingModelIsItsLongestInput) {
  auto entry = model();
  EXPECT_EQ(property(listed(entry), "context_window"), "8192");
  entry.task = catalog::Task::text_embeddings;
  EXPECT_EQ(property(listed(entry), "context_window"), nullptr);
  EXPECT_EQ(property(listed(entry), "max_input_tokens"), "8192");
}

TEST(ModelListing, OnlyRetiredModelsSaySo) {
  EXPECT_FALSE(listed(model()).contains("deprecated"));
  EXPECT_EQ(listed(model(), true)["deprecated"], true);
}

TEST(ModelListing, OpenRouterPricesAreTextsWithoutExponents) {
  auto entry = model();
  entry.prices.per_m_cached_input_tokens = 1000;
  std::string text;
  append_openrouter_model(text, entry);
  const json pricing = json::parse(text)["pricing"];
  EXPECT_EQ(pricing["prompt"], "0.000000281688");
  EXPECT_EQ(pricing["completion"], "0.000000826617");
  EXPECT_EQ(pricing["input_cache_read"], "0.000000011");
}

}  // namespace
}  // namespace selvedge::api
