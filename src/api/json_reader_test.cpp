// Tests of the JSON reader: what is refused, and that nothing makes it fail otherwise.
#include "api/json_reader.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace selvedge::api {
namespace {

Code code_of(std::string_view text) {
  const auto parsed = parse_object(text);
  return parsed.ok() ? Code::internal : parsed.error().code;
}

TEST(JsonReader, WhatIsNoJsonObjectIsRefused) {
  EXPECT_EQ(code_of(""), Code::missing_body);
  EXPECT_EQ(code_of(" \n"), Code::missing_body);
  EXPECT_EQ(code_of("{"), Code::invalid_json);
  EXPECT_EQ(code_of("{\"a\":\"\xff\"}"), Code::invalid_json);
  EXPECT_EQ(code_of("{\"a\":\"\\ud800\"}"), Code::invalid_json);
  EXPECT_EQ(code_of("{\"a\":1e999}"), Code::invalid_json);
  EXPECT_EQ(code_of("{} {}"), Code::invalid_json);
  EXPECT_EQ(code_of(std::string_view("{}\0 x", 5)), Code::invalid_json);
  EXPECT_EQ(code_of(std::string_view("{}\0", 3)), Code::invalid_json);
  EXPECT_EQ(code_of("[1]"), Code::invalid_input);
  EXPECT_EQ(code_of("null"), Code::invalid_input);
}

TEST(JsonReader, DepthIsBounded) {
  const std::string deep = "{\"a\":" + std::string(200'000, '[');
  EXPECT_EQ(code_of(deep), Code::invalid_json);
}

TEST(JsonReader, TheLastOfARepeatedKeyCounts) {
  const auto parsed = parse_object(R"({"a":1,"a":2})");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ((*parsed)["a"], 2);
}

}  // namespace
}  // namespace selvedge::api
