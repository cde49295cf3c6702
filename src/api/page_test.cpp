// Tests of pages: which part a request gets, and what is said about the whole.
#include "api/page.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace selvedge::api {
namespace {

using nlohmann::json;

http::Request asking(std::vector<std::pair<std::string, std::string>> query) {
  http::Request request;
  request.query = std::move(query);
  return request;
}

json page_of(const http::Request& request, std::size_t total) {
  const auto append = [](std::string& text, std::size_t at) { text += std::to_string(at); };
  return json::parse(page_envelope(read_page(request, 3), total, append).body);
}

TEST(Page, TheFirstPageOfTheUsualSizeIsTheDefault) {
  const json page = page_of(asking({}), 7);
  EXPECT_EQ(page["result"], json({0, 1, 2}));
  EXPECT_EQ(
      page["result_info"],
      json({{"count", 3}, {"page", 1}, {"per_page", 3}, {"total_count", 7}, {"total_pages", 3}}));
}

TEST(Page, TheLastPageIsShortAndTheNextOneEmpty) {
  EXPECT_EQ(page_of(asking({{"page", "3"}}), 7)["result"], json({6}));
  EXPECT_EQ(page_of(asking({{"page", "4"}}), 7)["result"], json::array());
  EXPECT_EQ(page_of(asking({}), 0)["result_info"]["total_pages"], 0);
}

TEST(Page, WhatIsNoNumberCountsAsAbsent) {
  for (const char* odd : {"0", "-1", "x", ""}) {
    const Page page = read_page(asking({{"page", odd}, {"per_page", odd}}), 3);
    EXPECT_EQ(page.number, 1u) << odd;
    EXPECT_EQ(page.size, 3u) << odd;
  }
}

TEST(Page, HugeNumbersAreBounded) {
  const Page page = read_page(asking({{"page", "99999999"}, {"per_page", "99999999"}}), 3);
  EXPECT_EQ(page.number, 1'000'000u);
  EXPECT_EQ(page.size, 1'000u);
  EXPECT_EQ(query_number(asking({{"limit", "0"}}), "limit", 7, 9), 0u);
  EXPECT_EQ(query_number(asking({{"limit", "12"}}), "limit", 7, 9), 9u);
}

}  // namespace
}  // namespace selvedge::api
