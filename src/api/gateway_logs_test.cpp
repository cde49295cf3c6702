// Tests of the gateway logs: what is told, what may be added, what is forgotten.
#include "api/gateway_logs.h"

#include <gtest/gtest.h>

namespace selvedge::api {
namespace {

using nlohmann::json;

GatewayLog log_named(std::string id) {
  GatewayLog log;
  log.id = std::move(id);
  log.account = "a";
  log.gateway = "mine";
  log.model = "@cf/meta/llama-3-8b-instruct";
  log.status = 200;
  log.created_us = 1'720'702'938'002'680;
  log.neurons = 1000;
  return log;
}

TEST(GatewayLogs, TellACallOfItsOwnAccountAndGatewayOnly) {
  GatewayLogs logs;
  logs.add(log_named("x"));
  const auto told = logs.json("a", "mine", "x");
  ASSERT_TRUE(told.ok());
  const json log = json::parse(*told);
  EXPECT_EQ(log["created_at"], "2024-07-11T13:02:18.002Z");
  EXPECT_EQ(log["success"], true);
  EXPECT_DOUBLE_EQ(log["cost"], 0.011);
  EXPECT_EQ(logs.json("b", "mine", "x").error().code, Code::not_found);
  EXPECT_EQ(logs.json("a", "other", "x").error().code, Code::not_found);
  EXPECT_EQ(logs.json("a", "mine", "y").error().code, Code::not_found);
}

TEST(GatewayLogs, KeepWhatAWorkerAddsAndNothingOfWhatIsRefused) {
  GatewayLogs logs;
  logs.add(log_named("x"));
  EXPECT_TRUE(logs.patch("a", "mine", "x", {{"score", 80}, {"metadata", {{"user", "u"}}}}).ok());
  for (const json& wrong :
       {json{{"feedback", 2}}, json{{"score", "high"}}, json{{"metadata", {{"a", json::array()}}}},
        json{{"metadata", {{"a", std::string(2'048, 'x')}}}},
        json{{"metadata", {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}, {"e", 1}, {"f", 1}}}}}) {
    json changes = wrong;
    if (!changes.contains("score")) changes["score"] = 1;
    EXPECT_EQ(logs.patch("a", "mine", "x", changes).error().code, Code::invalid_input) << wrong;
  }
  EXPECT_TRUE(logs.patch("a", "mine", "x", {{"feedback", -1}}).ok());
  const json log = json::parse(*logs.json("a", "mine", "x"));
  EXPECT_EQ(log["score"], 80);
  EXPECT_EQ(log["feedback"], -1);
  EXPECT_EQ(log["metadata"], (json{{"user", "u"}}));
  EXPECT_EQ(logs.patch("a", "mine", "y", json::object()).error().code, Code::not_found);
}

TEST(GatewayLogs, ForgetTheOldestFirst) {
  GatewayLogs logs;
  for (std::size_t count = 0; count <= GatewayLogs::kKeptMax; ++count) {
    logs.add(log_named(std::to_string(count)));
  }
  EXPECT_FALSE(logs.json("a", "mine", "0").ok());
  EXPECT_TRUE(logs.json("a", "mine", "1").ok());
  EXPECT_TRUE(logs.json("a", "mine", std::to_string(GatewayLogs::kKeptMax)).ok());
}

}  // namespace
}  // namespace selvedge::api
