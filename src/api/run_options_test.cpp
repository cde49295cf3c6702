// Tests of run options: flags, tags, and what is refused.
#include "api/run_options.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace selvedge::api {
namespace {

using nlohmann::json;

Result<RunOptions> of_query(std::vector<std::pair<std::string, std::string>> query) {
  http::Request request;
  request.query = std::move(query);
  return query_run_options(request);
}

std::string refusal(const json& given) {
  RunOptions options;
  const Status added = add_run_options(given, options);
  return added.ok() ? "accepted" : added.error().message;
}

TEST(RunOptions, QueryAndBodySayTheSame) {
  const auto query = of_query({{"rejectIfBusy", "true"}, {"tags", "a,b,a"}, {"other", "x"}});
  ASSERT_TRUE(query.ok());
  EXPECT_TRUE(query->reject_if_busy);
  EXPECT_FALSE(query->queue_request);
  EXPECT_EQ(query->tags, (std::vector<std::string>{"a", "b"}));
  RunOptions body;
  ASSERT_TRUE(
      add_run_options({{"queueRequest", true}, {"tags", {"a", "team:x/y@z-1.0"}}}, body).ok());
  EXPECT_TRUE(body.queue_request);
  EXPECT_EQ(body.tags.size(), 2u);
}

TEST(RunOptions, TheBodyCountsAfterTheQuery) {
  auto options = of_query({{"rejectIfBusy", "1"}, {"tags", "a"}}).value();
  ASSERT_TRUE(add_run_options({{"rejectIfBusy", false}, {"tags", {"b"}}}, options).ok());
  EXPECT_FALSE(options.reject_if_busy);
  EXPECT_EQ(options.tags, std::vector<std::string>{"b"});
}

TEST(RunOptions, WhatIsOddIsRefused) {
  EXPECT_EQ(refusal(json::array()),
            "Type mismatch of '/options', 'object' not in 'array','binary'");
  EXPECT_EQ(refusal({{"rejectIfBusy", "yes"}}),
            "Type mismatch of '/options/rejectIfBusy', 'boolean' not in 'string'");
  EXPECT_EQ(refusal({{"tags", {"a", "b", "c", "d", "e", "f"}}}),
            "Length of '/options/tags' must be <= 5");
  EXPECT_EQ(refusal({{"tags", {"a", "b", "c", "d", "e", "a"}}}), "accepted");
  EXPECT_NE(refusal({{"tags", {std::string(51, 'a')}}}), "accepted");
  EXPECT_EQ(refusal({{"tags", {std::string(50, 'a')}}}), "accepted");
  EXPECT_NE(refusal({{"tags", {"a b"}}}), "accepted");
  EXPECT_NE(refusal({{"tags", {1}}}), "accepted");
  EXPECT_NE(refusal({{"tags", {""}}}), "accepted");
  EXPECT_EQ(refusal({{"websocket", true}}), "models are not run over WebSockets here");
  EXPECT_EQ(refusal({{"gateway", {{"id", "g"}}}, {"websocket", false}}), "accepted");
  EXPECT_FALSE(of_query({{"websocket", "true"}}).ok());
}

TEST(RunOptions, AStoreIsAFlagOrAName) {
  EXPECT_FALSE(of_query({})->store.has_value());
  EXPECT_TRUE(of_query({{"store", "true"}})->store.value());
  EXPECT_FALSE(of_query({{"store", "false"}})->store.value());
  const auto named = of_query({{"store", "cats/one.png"}, {"progress", "true"}});
  ASSERT_TRUE(named.ok());
  EXPECT_EQ(named->store_name, "cats/one.png");
  EXPECT_TRUE(named->progress);
  RunOptions body;
  ASSERT_TRUE(add_run_options({{"store", false}}, body).ok());
  EXPECT_FALSE(body.store.value());
  EXPECT_NE(refusal({{"store", "../x"}}), "accepted");
  EXPECT_NE(refusal({{"store", 3}}), "accepted");
}

}  // namespace
}  // namespace selvedge::api
