// Tests of model schemas: every model has one, and files that contradict each other are refused.
#include "catalog/model_schemas.h"

#include <algorithm>
#include <array>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "catalog/model_table.h"

namespace selvedge::catalog {
namespace {

using nlohmann::json;

TEST(ModelSchemas, EveryModelOfTheTableHasOne) {
  const auto schemas = ModelSchemas::built_in();
  const auto table = ModelTable::built_in();
  ASSERT_TRUE(schemas.ok()) << schemas.error().message;
  ASSERT_TRUE(table.ok());
  for (const ModelEntry& entry : (*table)->entries()) {
    EXPECT_NE((*schemas)->find(entry), nullptr) << entry.id;
  }
}

TEST(ModelSchemas, AnIdCountsBeforeItsTask) {
  const std::array<std::string_view, 2> texts = {
      R"({"task":"Text Embeddings","input":{"title":"task"},"output":{}})",
      R"({"models":["@cf/baai/bge-m3"],"input":{"title":"id"},"output":{}})"};
  const auto schemas = ModelSchemas::parse(texts);
  ASSERT_TRUE(schemas.ok());
  ModelEntry entry;
  entry.task_name = "Text Embeddings";
  EXPECT_EQ((*schemas)->find(entry)->input, R"({"title":"task"})");
  entry.id = "@cf/baai/bge-m3";
  EXPECT_EQ((*schemas)->find(entry)->input, R"({"title":"id"})");
  entry = ModelEntry();
  entry.task_name = "Astrology";
  EXPECT_EQ((*schemas)->find(entry), nullptr);
}

TEST(ModelSchemas, IdsOfTheFilesAreInTheTable) {
  const auto table = ModelTable::built_in();
  const auto schemas = ModelSchemas::built_in();
  ASSERT_TRUE(table.ok() && schemas.ok());
  // As many different schemas are reachable from the table as there are files.
  std::vector<const ModelSchema*> reached;
  for (const ModelEntry& entry : (*table)->entries()) {
    const ModelSchema* schema = (*schemas)->find(entry);
    if (std::ranges::find(reached, schema) == reached.end()) reached.push_back(schema);
  }
  EXPECT_EQ(reached.size(), (*schemas)->all().size());
}

TEST(ModelSchemas, OddFilesAreRefused) {
  for (const std::vector<std::string_view>& texts : std::vector<std::vector<std::string_view>>{
           {"{"},
           {"[]"},
           {R"({"input":{}})"},
           {R"({"models":[1],"input":{},"output":{}})"},
           {R"({"task":"a","input":{},"output":{}})", R"({"task":"a","input":{},"output":{}})"}}) {
    EXPECT_FALSE(ModelSchemas::parse(texts).ok()) << texts.front();
  }
}

}  // namespace
}  // namespace selvedge::catalog
