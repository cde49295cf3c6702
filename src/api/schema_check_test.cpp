// Tests of the schema check: each keyword, its words, and schemas that are refused.
#include "api/schema_check.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace selvedge::api {
namespace {

using nlohmann::json;

std::string fault(const char* schema, const char* value, bool lenient = true) {
  const auto compiled = SchemaCheck::compile(schema);
  if (!compiled.ok()) return "schema: " + compiled.error().message;
  const Status checked = compiled->check(json::parse(value), lenient);
  return checked.ok() ? "" : checked.error().message;
}
std::string strict_fault(const char* schema, const char* value) {
  return fault(schema, value, false);
}

TEST(SchemaCheck, StrictlyNullIsAbsentForListsAndObjectsAlone) {
  EXPECT_EQ(strict_fault(R"({"properties":{"a":{"type":"string"}}})", R"({"a":null})"),
            "Type mismatch of '/a', 'string' not in 'null'");
  EXPECT_EQ(strict_fault(R"({"properties":{"a":{"enum":["x"]}}})", R"({"a":null})"),
            "enum null not in x at '/a'");
  EXPECT_EQ(strict_fault(R"({"properties":{"a":{"type":"array"}}})", R"({"a":null})"), "");
  EXPECT_EQ(strict_fault(R"({"properties":{"a":{"type":"object"}}})", R"({"a":null})"), "");
  EXPECT_EQ(strict_fault(R"({"properties":{"a":{}}})", R"({"a":null})"), "");
}

TEST(SchemaCheck, StrictlyABooleanIsNoTextAndAOneOfIsMetOnce) {
  EXPECT_EQ(strict_fault(R"({"type":"boolean"})", R"("true")"),
            "Type mismatch of '/', 'boolean' not in 'string'");
  constexpr const char* kSchema = R"({"oneOf":[{"required":["a"]},{"required":["b"]},
      {"required":["c"]}]})";
  EXPECT_EQ(strict_fault(kSchema, R"({"b":1})"), "");
  EXPECT_EQ(strict_fault(kSchema, R"({"a":1,"b":1})"), "oneOf at '/' not met, 2 matches");
  EXPECT_EQ(strict_fault(kSchema, R"({"b":1,"c":1})"),
            "oneOf at '/' not met, 2 matches: required properties at '/' are 'a'");
  EXPECT_EQ(
      fault(R"({"anyOf":[{"required":["a"]},{"required":["b"]}]})", R"({"a":1,"b":1})", false), "");
}

TEST(SchemaCheck, StrictlyTextsAreAsLongAsInUtf16) {
  EXPECT_EQ(strict_fault(R"({"maxLength":3})", R"("a🧵")"), "");
  EXPECT_EQ(strict_fault(R"({"maxLength":2})", R"("a🧵")"), "Length of '/' must be <= 2");
  EXPECT_EQ(fault(R"({"maxLength":2})", R"("a🧵")"), "");
  EXPECT_EQ(strict_fault(R"({"maxLength":2})", R"("字字")"), "");
}

TEST(SchemaCheck, BoundsOfNumbersTextsAndLists) {
  EXPECT_EQ(fault(R"({"minimum":1})", "0"), "'/' must be >= 1");
  EXPECT_EQ(fault(R"({"exclusiveMinimum":1})", "1"), "'/' must be > 1");
  EXPECT_EQ(fault(R"({"exclusiveMaximum":1})", "1"), "'/' must be < 1");
  EXPECT_EQ(fault(R"({"type":"integer"})", "5.0"), "");
  EXPECT_EQ(fault(R"({"maxLength":2})", R"("äöü")"), "Length of '/' must be <= 2");
  EXPECT_EQ(fault(R"({"maxLength":3})", R"("äöü")"), "");
  EXPECT_EQ(fault(R"({"minItems":1})", "[]"), "Length of '/' must be >= 1 not met");
  EXPECT_EQ(fault(R"({"items":{"type":"string"}})", R"(["a",null])"),
            "Type mismatch of '/1', 'string' not in 'null'");
}

TEST(SchemaCheck, ObjectsAreWalkedInTheSchemasOrderAndRequiredComesLast) {
  constexpr const char* kSchema = R"({"type":"object","additionalProperties":false,
      "properties":{"b":{"type":"string"},"a":{"type":"boolean"}},"required":["b","a"]})";
  EXPECT_EQ(fault(kSchema, R"({"a":1,"b":1})"),
            "Type mismatch of '/b', 'string' not in 'number','integer'");
  EXPECT_EQ(fault(kSchema, R"({"b":"x","z":1,"y":2})"),
            "Additional or unevaluated properties '/y, /z' at '/' not allowed");
  EXPECT_EQ(fault(kSchema, R"({"b":"x"})"), "required properties at '/' are 'b,a'");
  EXPECT_EQ(fault(kSchema, R"({"b":"x","a":"true"})"), "");
  EXPECT_EQ(fault(kSchema, R"({"b":null,"a":true})"),
            "Type mismatch of '/b', 'string' not in 'null'");
}

TEST(SchemaCheck, NullCountsAsAbsentWhereNothingIsRequired) {
  EXPECT_EQ(fault(R"({"properties":{"a":{"type":"string"}}})", R"({"a":null})"), "");
}

TEST(SchemaCheck, BranchesTellEachReasonOnce) {
  constexpr const char* kSchema = R"({"oneOf":[
      {"properties":{"n":{"maximum":5}},"required":["a"]},
      {"properties":{"n":{"maximum":5}},"required":["b"]}]})";
  EXPECT_EQ(fault(kSchema, "{}"),
            "oneOf at '/' not met, 0 matches: required properties at '/' are 'a', required "
            "properties at '/' are 'b'");
  EXPECT_EQ(fault(kSchema, R"({"a":1,"n":6})"),
            "oneOf at '/' not met, 0 matches: '/n' must be <= 5");
  EXPECT_EQ(fault(kSchema, R"({"a":1,"b":1})"), "");
  EXPECT_EQ(fault(R"({"not":{"required":["a","b"]}})", R"({"a":1,"b":1})"), "not at '/' not met");
}

TEST(SchemaCheck, LongTextsAreShortenedInMessages) {
  const std::string sent = '"' + std::string(10'000, 'x') + '"';
  EXPECT_LT(fault(R"({"enum":["a"]})", sent.c_str()).size(), 100u);
  const std::string named = "{" + sent + ":1}";
  EXPECT_LT(fault(R"({"additionalProperties":false})", named.c_str()).size(), 150u);
}

TEST(SchemaCheck, TextsThatAreNotBase64HaveTheirOwnCode) {
  const auto schema = SchemaCheck::compile(R"({"contentEncoding":"base64"})").value();
  EXPECT_TRUE(schema.check("aGVsbG8=").ok());
  EXPECT_EQ(schema.check("what?!").error().code, Code::unknown_content_type);
}

TEST(SchemaCheck, UnknownKeywordsAreRefused) {
  for (const char* schema : {"{", "[]", R"({"pattern":"a"})", R"({"minimum":"1"})",
                             R"({"oneOf":{}})", R"({"items":[]})", R"({"required":[1]})"}) {
    EXPECT_FALSE(SchemaCheck::compile(schema).ok()) << schema;
  }
}

}  // namespace
}  // namespace selvedge::api
