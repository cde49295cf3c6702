// Tests of the room in an account and in an index: how many of each there may be.
#include <string>

#include <gtest/gtest.h>

#include "api/fakes.h"
#include "api/vectorize_indexes.h"
#include "api/vectorize_vectors.h"

namespace selvedge::api {
namespace {

class VectorizeRoom : public testing::Test {
 protected:
  VectorizeRoom() { EXPECT_TRUE(store_.create("a", "docs", "", {2, {}, {}}).ok()); }

  std::string told(const Result<std::string>& result) {
    return result.ok()
               ? ""
               : std::string(code_name(result.error().code)) + ": " + result.error().message;
  }
  std::string write(WriteKind kind, std::string lines) {
    http::Request request;
    request.headers.set("content-type", "application/x-ndjson");
    request.body = std::move(lines);
    return told(write_vectors({store_, "a", "docs", rules_}, kind, request));
  }
  std::string upsert(std::string lines) { return write(WriteKind::upsert, std::move(lines)); }
  std::string create(const std::string& name) {
    return told(
        create_index(store_, rules_, "a",
                     R"({"name":")" + name + R"(","config":{"dimensions":32,"metric":"cosine"}})"));
  }

  fakes::FakeStore store_;
  Rules rules_ = hosted_rules();
};

TEST_F(VectorizeRoom, AnAccountHoldsSoManyIndexes) {
  rules_.indexes_per_account_max = 3;
  EXPECT_EQ(create("b"), "");
  EXPECT_EQ(create("c"), "");
  EXPECT_EQ(create("d"),
            "index_config_invalid: vectorize.index.invalid_config - An account holds at most 3 "
            "indexes");
  ASSERT_TRUE(store_.drop("a", "b").ok());
  EXPECT_EQ(create("d"), "");
}

TEST_F(VectorizeRoom, AnIndexHoldsSoManyVectorsAndReplacingThemTakesNoRoom) {
  rules_.vectors_per_index_max = 3;
  EXPECT_EQ(upsert("{\"id\":\"1\",\"values\":[1,2]}\n{\"id\":\"2\",\"values\":[1,2]}"), "");
  EXPECT_EQ(upsert("{\"id\":\"2\",\"values\":[3,4]}\n{\"id\":\"3\",\"values\":[1,2]}"), "");
  EXPECT_EQ(upsert("{\"id\":\"4\",\"values\":[1,2]}"),
            "index_full: too many vectors in index; max is 3");
  EXPECT_EQ(write(WriteKind::insert, "{\"id\":\"4\",\"values\":[1,2]}"),
            "index_full: too many vectors in index; max is 3");
  EXPECT_EQ(upsert("{\"id\":\"1\",\"values\":[5,6]}\n{\"id\":\"3\",\"values\":[5,6]}"), "");
  EXPECT_EQ(upsert("{\"id\":\"1\",\"values\":[5,6]}\n{\"id\":\"1\",\"values\":[7,8]}"), "");
}

TEST_F(VectorizeRoom, AnIndexHoldsSoManyNamespaces) {
  rules_.namespaces_per_index_max = 2;
  EXPECT_EQ(upsert("{\"id\":\"1\",\"values\":[1,2],\"namespace\":\"a\"}\n"
                   "{\"id\":\"2\",\"values\":[1,2],\"namespace\":\"b\"}"),
            "");
  EXPECT_EQ(upsert("{\"id\":\"3\",\"values\":[1,2],\"namespace\":\"c\"}"),
            "index_full: too many namespaces in index; max is 2");
  EXPECT_EQ(upsert("{\"id\":\"3\",\"values\":[1,2],\"namespace\":\"b\"}\n"
                   "{\"id\":\"4\",\"values\":[1,2]}"),
            "");
}

}  // namespace
}  // namespace selvedge::api
