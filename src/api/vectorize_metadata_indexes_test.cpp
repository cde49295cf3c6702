// Tests of metadata indexes: their definitions, and how indexed metadata is written.
#include "api/vectorize_metadata_indexes.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/fakes.h"

namespace selvedge::api {
namespace {

using testing::HasSubstr;

class MetadataIndexesTest : public testing::Test {
 protected:
  MetadataIndexesTest() { EXPECT_TRUE(store_.create("a", "docs", "", {2, {}, {}}).ok()); }

  std::string create(const std::string& body) { return told(create_metadata_index(path_, body)); }
  std::string list() { return told(list_metadata_indexes(path_)); }
  std::string erase(const std::string& body) { return told(delete_metadata_index(path_, body)); }

  static std::string told(const Result<std::string>& result) {
    if (result.ok()) return *result;
    return std::string(code_name(result.error().code)) + ": " + result.error().message;
  }

  fakes::FakeStore store_;
  Rules rules_;
  IndexPath path_{store_, "a", "docs", rules_};
};

TEST_F(MetadataIndexesTest, AreListedInTheOrderOfCreation) {
  EXPECT_EQ(list(), R"({"metadataIndexes":[]})");
  EXPECT_THAT(create(R"({"propertyName":"url","indexType":"string"})"),
              HasSubstr("{\"mutationId\":\""));
  create(R"({"propertyName":"a.b","indexType":"number"})");
  create(R"({"propertyName":"t","indexType":"boolean"})");
  EXPECT_EQ(list(), R"({"metadataIndexes":[{"propertyName":"url","indexType":"string"},)"
                    R"({"propertyName":"a.b","indexType":"number"},)"
                    R"({"propertyName":"t","indexType":"boolean"}]})");
  EXPECT_THAT(erase(R"({"propertyName":"url"})"), HasSubstr("mutationId"));
  EXPECT_THAT(erase(R"({"property":"a.b"})"), HasSubstr("mutationId"));
  EXPECT_EQ(list(), R"({"metadataIndexes":[{"propertyName":"t","indexType":"boolean"}]})");
  EXPECT_THAT(erase(R"({"propertyName":"url"})"), HasSubstr("metadata_index_not_found"));
}

TEST_F(MetadataIndexesTest, BodiesOfAWrongShapeAreRefused) {
  for (const char* body : {"", "[]", "{", "{}", R"({"propertyName":1,"indexType":"string"})"}) {
    EXPECT_EQ(create(body), "invalid_input: vectorize.invalid_body_payload") << body;
    EXPECT_EQ(erase(body), "invalid_input: vectorize.invalid_body_payload") << body;
  }
  for (const char* type : {R"("text")", R"("String")", "1", "null"}) {
    EXPECT_THAT(create(std::string(R"({"propertyName":"a","indexType":)") + type + "}"),
                HasSubstr("indexType must be one of"))
        << type;
  }
}

TEST_F(MetadataIndexesTest, PropertiesThatNoMetadataCanHaveAreRefused) {
  const std::vector<std::string> impossible = {
      "", ".", "a.", ".a", "a..b", "$a", "a.$b", R"(a\"b)", std::string(513, 'p')};
  for (const std::string& property : impossible) {
    EXPECT_THAT(create(R"({"propertyName":")" + property + R"(","indexType":"string"})"),
                HasSubstr("metadata_index_invalid"))
        << property;
  }
  EXPECT_THAT(create(R"({"propertyName":")" + std::string(512, 'p') + R"(","indexType":"string"})"),
              HasSubstr("mutationId"));
}

TEST_F(MetadataIndexesTest, AsManyAsTheRulesAllow) {
  rules_.metadata_indexes_max = 1;
  create(R"({"propertyName":"a","indexType":"string"})");
  EXPECT_THAT(create(R"({"propertyName":"b","indexType":"string"})"),
              HasSubstr("too_many_metadata_indexes"));
}

TEST(IndexedMetadata, DotsBecomeObjects) {
  const std::vector<std::pair<std::string, vectors::PropertyValue>> indexed = {
      {"a.b", 1.0}, {"s", std::string("x\"")}, {"a.c.d", true}, {"a.c.e", 0.5}, {"ab", 2e300}};
  std::string json;
  append_indexed_metadata(json, indexed);
  EXPECT_EQ(json, R"({"a":{"b":1,"c":{"d":true,"e":0.5}},"s":"x\"","ab":2e+300})");
  json.clear();
  append_indexed_metadata(json, {});
  EXPECT_EQ(json, "{}");
}

}  // namespace
}  // namespace selvedge::api
