// Tests of listings: pages, their end, and bad options.
#include "api/vectorize_listing.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/fakes.h"

namespace selvedge::api {
namespace {

using testing::HasSubstr;

class ListingTest : public testing::Test {
 protected:
  ListingTest() {
    EXPECT_TRUE(store_.create("a", "docs", "", {1, {}, {}}).ok());
    vectors::VectorBatch batch{1, {"a", "b", "c"}, {1, 2, 3}, {{}, {}, {}}, {"", "", ""}};
    EXPECT_TRUE((*store_.find("a", "docs"))->insert(batch).ok());
  }

  std::string page(std::vector<std::pair<std::string, std::string>> options) {
    http::Request request;
    request.query = std::move(options);
    const auto result = list_vectors(IndexPath{store_, "a", "docs", rules_}, request);
    return result.ok() ? *result : result.error().message;
  }

  fakes::FakeStore store_;
  Rules rules_;
};

TEST_F(ListingTest, TheLastPageHasNoCursor) {
  EXPECT_EQ(page({{"count", "2"}}),
            R"({"count":2,"totalCount":3,"isTruncated":true,"nextCursor":"b",)"
            R"("cursorExpirationTimestamp":"2024-07-11T13:02:18.002Z",)"
            R"("vectors":[{"id":"a"},{"id":"b"}]})");
  EXPECT_EQ(page({{"count", "2"}, {"cursor", "b"}}),
            R"({"count":1,"totalCount":3,"isTruncated":false,"nextCursor":null,)"
            R"("cursorExpirationTimestamp":null,"vectors":[{"id":"c"}]})");
  EXPECT_THAT(page({}), HasSubstr(R"("count":3,)"));
}

TEST_F(ListingTest, CountsOutOfRangeAreRefused) {
  for (const char* count : {"", "0", "1001", "-1", "1.0", "ten", "18446744073709551617", " 1"}) {
    EXPECT_THAT(page({{"count", count}}), HasSubstr("from 1 to 1000")) << count;
  }
  EXPECT_THAT(page({{"count", "1000"}}), HasSubstr(R"("count":3,)"));
}

}  // namespace
}  // namespace selvedge::api
