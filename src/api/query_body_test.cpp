// Tests of query bodies: reading the vector apart changes nothing but the time it takes.
#include "api/query_body.h"

#include <string>

#include <gtest/gtest.h>

namespace selvedge::api {
namespace {

using nlohmann::json;

QueryBody read(std::string_view text) {
  auto body = parse_query_body(text);
  EXPECT_TRUE(body.ok()) << text;
  return body.ok() ? std::move(*body) : QueryBody{};
}

TEST(QueryBody, TheVectorIsReadApartWhereverItStands) {
  for (const char* text :
       {R"({"vector":[1,2.5,-3e0],"topK":4})", R"({"topK":4,"vector":[1,2.5,-3]})",
        R"({"filter":{"vector":[7]},"vector" : [ 1 , 2.5, -3 ] ,"topK":4})",
        R"({"note":"\"vector\":[9]","vector":[1,2.5,-3],"topK":4})"}) {
    const QueryBody body = read(text);
    ASSERT_TRUE(body.vector.has_value()) << text;
    EXPECT_EQ(*body.vector, (std::vector<float>{1, 2.5F, -3})) << text;
    EXPECT_EQ(body.fields["topK"], 4) << text;
    EXPECT_TRUE(body.fields["vector"].is_null()) << text;
  }
}

TEST(QueryBody, WhatIsNoListOfNumbersStaysInTheFields) {
  EXPECT_EQ(read(R"({"vector":[1,"2"]})").fields["vector"], json::parse(R"([1,"2"])"));
  EXPECT_EQ(read(R"({"vector":[1,1e39]})").fields["vector"].size(), 2U);
  EXPECT_EQ(read(R"({"vector":"[1]"})").fields["vector"], "[1]");
  EXPECT_EQ(read(R"({"a":{"vector":[1]}})").fields["a"]["vector"].size(), 1U);
  EXPECT_EQ(read(R"([{"vector":[1]}])").fields.size(), 1U);
  EXPECT_FALSE(read(R"({"vectorId":"a"})").vector.has_value());
}

TEST(QueryBody, TheLastOfARepeatedVectorCountsHoweverItsKeyIsWritten) {
  EXPECT_EQ(read(R"({"vector":[1],"vector":[2]})").fields["vector"][0], 2);
  EXPECT_EQ(read(R"({"vector":[1],"vector":null})").fields["vector"], nullptr);
  EXPECT_FALSE(read(R"({"vector":[1],"vector":null})").vector.has_value());
  EXPECT_EQ(read(R"({"vector":[1],"vec\u0074or":[3]})").fields["vector"][0], 3);
  EXPECT_EQ(read(R"({"vec\u0074or":[3],"vector":[1]})").fields["vector"][0], 1);
}

TEST(QueryBody, WhatIsNoJsonIsRefused) {
  for (const char* text :
       {"", "{", R"({"vector":[1)", R"({"vector":[1})", R"({"vector":[1]}x)", R"({"vector":[1] 2})",
        R"({"vector":[1],})", R"(["vector":[1]])", R"("vector":[1])", R"({"vector":[01]})",
        R"({{"vector":[1]}})", R"({"vector":[1e999]})", R"({"vector:[1]})"}) {
    EXPECT_FALSE(parse_query_body(text).ok()) << text;
  }
  EXPECT_FALSE(parse_query_body(std::string_view("{\"vector\":[1]}\0", 15)).ok());
  const std::string deep(100, '[');
  EXPECT_FALSE(parse_query_body("{\"vector\":[1],\"a\":" + deep + "}").ok());
}

}  // namespace
}  // namespace selvedge::api
