// Tests of schema bounds: what would stop a runner is refused, what people write is not.
#include "engines/schema_bounds.h"

#include <string>

#include <gtest/gtest.h>

namespace selvedge::engines {
namespace {

bool is_taken(const std::string& schema) {
  return bounded_schema(common_json::parse(schema), Patterns::refuse).ok();
}

std::string many(const std::string& begin, int count, const std::string& end, bool named = false,
                 const std::string& item = R"({"type":"string"})") {
  std::string text = begin;
  for (int at = 0; at < count; ++at) {
    text += at == 0 ? "" : ",";
    text += named ? "\"p" + std::to_string(at) + "\":" + item : item;
  }
  return text + end;
}

TEST(SchemaBounds, APatternIsRefusedOrDroppedAsAskedFor) {
  const std::string schema = R"({"properties":{"a":{"type":"string","pattern":"^(?=b)[a-z]$"}}})";
  EXPECT_FALSE(is_taken(schema));
  const auto dropped = bounded_schema(common_json::parse(schema), Patterns::drop);
  ASSERT_TRUE(dropped.ok());
  EXPECT_EQ(dropped->dump(), R"({"properties":{"a":{"type":"string"}}})");
  EXPECT_TRUE(is_taken(R"({"properties":{"pattern":{"type":"string"}}})"));
  EXPECT_TRUE(is_taken(R"({"enum":[{"pattern":"(?=b)[a-z]"}]})"));
}

TEST(SchemaBounds, APatternBecomesOneOfJsonText) {
  const auto bounded = bounded_schema(
      common_json::parse(
          R"({"items":[{"pattern":"^\\d{4}$"}],"properties":{"pattern":{"pattern":"^\"$"}}})"),
      Patterns::refuse);
  ASSERT_TRUE(bounded.ok());
  EXPECT_EQ(
      bounded->dump(),
      R"({"items":[{"pattern":"^[0-9]{4}$"}],"properties":{"pattern":{"pattern":"^(?:\\\\\")$"}}})");
}

TEST(SchemaBounds, BoundsThatCrossAreRefused) {
  for (const char* schema :
       {R"({"type":"string","minLength":5,"maxLength":3})",
        R"({"type":"array","items":{"type":"null"},"minItems":2,"maxItems":1})",
        R"({"properties":{"a":{"type":"integer","minimum":2,"maximum":1.5}}})"}) {
    EXPECT_FALSE(is_taken(schema)) << schema;
  }
  EXPECT_TRUE(is_taken(R"({"type":"string","minLength":3,"maxLength":3})"));
  EXPECT_TRUE(is_taken(R"({"type":"string","minLength":"5","maxLength":3})"));
}

TEST(SchemaBounds, SizesAreBounded) {
  EXPECT_TRUE(is_taken(many(R"({"properties":{)", 128, "}}", true)));
  EXPECT_FALSE(is_taken(many(R"({"properties":{)", 129, "}}", true)));
  EXPECT_TRUE(is_taken(many(R"({"enum":[)", 512, "]}", false, "1")));
  EXPECT_FALSE(is_taken(many(R"({"enum":[)", 513, "]}", false, "1")));
  EXPECT_TRUE(is_taken(many(R"({"anyOf":[)", 512, "]}")));
  EXPECT_FALSE(is_taken(many(R"({"anyOf":[)", 513, "]}")));
}

TEST(SchemaBounds, AlternativesInEachOtherMultiply) {
  const std::string inner = many(R"({"anyOf":[)", 20, "]}");
  EXPECT_TRUE(is_taken(many(R"({"anyOf":[)", 25, "]}", false, inner)));
  EXPECT_FALSE(is_taken(many(R"({"anyOf":[)", 26, "]}", false, inner)));
}

TEST(SchemaBounds, ValuesAndPatternsAreAlternatives) {
  const std::string values = many(R"({"enum":[)", 100, "]}", false, "\"a\"");
  EXPECT_TRUE(is_taken(many(R"({"anyOf":[)", 5, "]}", false, values)));
  EXPECT_FALSE(is_taken(many(R"({"anyOf":[)", 6, "]}", false, values)));
  const std::string pattern = R"({"type":"string","pattern":"^.*.*.*.*.*.*.*.*.*a{91}$"})";
  EXPECT_TRUE(is_taken(many(R"({"anyOf":[)", 5, "]}", false, pattern)));
  EXPECT_FALSE(is_taken(many(R"({"anyOf":[)", 6, "]}", false, pattern)));
}

TEST(SchemaBounds, ARecursionThroughAlternativesThatBeginAlikeIsRefused) {
  const std::string array = R"({"type":"array","items":{"$ref":"#/$defs/a"}})";
  const auto with = [&](const std::string& other) {
    return R"({"$defs":{"a":{"anyOf":[)" + array + "," + other + R"(]}},"$ref":"#/$defs/a"})";
  };
  EXPECT_FALSE(is_taken(with(array)));
  EXPECT_TRUE(is_taken(with(R"({"type":"null"})")));
  EXPECT_TRUE(is_taken(with(R"({"type":"string"})")));
  EXPECT_FALSE(is_taken(with("{}")));
}

}  // namespace
}  // namespace selvedge::engines
