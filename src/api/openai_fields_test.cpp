// Tests of OpenAI fields: the first fault is told, in OpenAI's words.
#include "api/openai_fields.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace selvedge::api {
namespace {

using nlohmann::json;

TEST(OpenAiFields, NullIsAsAbsent) {
  const json body = {{"a", nullptr}};
  OpenAiFields fields(body);
  EXPECT_FALSE(fields.number("a", 0, 1));
  EXPECT_FALSE(fields.text("b"));
  EXPECT_TRUE(fields.ok());
}

TEST(OpenAiFields, OnlyTheFirstFaultIsKeptAndEndsTheReading) {
  const json body = {{"a", "x"}, {"b", 1}, {"c", true}};
  OpenAiFields fields(body);
  EXPECT_FALSE(fields.boolean("a"));
  EXPECT_FALSE(fields.text("b"));
  EXPECT_FALSE(fields.boolean("c")) << "nothing is read after a fault";
  ASSERT_TRUE(fields.fault());
  EXPECT_EQ(fields.fault()->param, "a");
  EXPECT_EQ(fields.fault()->code, "invalid_type");
  EXPECT_EQ(fields.fault()->error.code, Code::invalid_input);
  EXPECT_EQ(fields.fault()->error.message,
            "Invalid type for 'a': expected a boolean, but got a string instead.");
}

TEST(OpenAiFields, BoundsAreToldAsTheyAreWritten) {
  const json body = {{"a", 3}, {"b", 0.25}};
  OpenAiFields high(body);
  high.number("a", 0, 2);
  EXPECT_EQ(high.fault()->error.message,
            "Invalid 'a': decimal above maximum value. Expected a value <= 2, but got 3 instead.");
  OpenAiFields low(body);
  low.number("b", 0.5, 2);
  EXPECT_EQ(low.fault()->error.message,
            "Invalid 'b': decimal below minimum value. Expected a value >= 0.5, but got 0.25 "
            "instead.");
}

TEST(OpenAiFields, NumbersThatNoInt64HoldsAreOutOfRange) {
  const json body = json::parse(R"({"a":1e300,"b":18446744073709551615,"c":5.0,"d":-7})");
  OpenAiFields first(body);
  EXPECT_FALSE(first.integer("a", 0, 10));
  EXPECT_EQ(first.fault()->code, "integer_above_max_value");
  OpenAiFields second(body);
  EXPECT_FALSE(second.integer("b", 0, 10));
  EXPECT_EQ(second.fault()->code, "integer_above_max_value");
  OpenAiFields whole(body);
  EXPECT_EQ(whole.integer("c", 0, 10), 5);
  EXPECT_EQ(whole.integer("d", -10, 10), -7);
}

}  // namespace
}  // namespace selvedge::api
