// Tests of Vectorize filters: the grammar, and what it refuses.
#include "api/vectorize_filter.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace selvedge::api {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using vectors::Comparison;
using vectors::PropertyValue;

std::string refusal(const json& filter, FilterGrammar grammar = FilterGrammar::ours) {
  const auto parsed = parse_filter(filter, grammar);
  if (parsed.ok()) return "accepted";
  EXPECT_EQ(parsed.error().code, Code::query_invalid);
  return parsed.error().message;
}

TEST(VectorizeFilter, EveryOperatorBecomesOneCondition) {
  const std::pair<const char*, Comparison> operators[] = {
      {"$eq", Comparison::eq}, {"$ne", Comparison::ne},   {"$lt", Comparison::lt},
      {"$gt", Comparison::gt}, {"$lte", Comparison::lte}, {"$gte", Comparison::gte},
  };
  for (const auto& [name, comparison] : operators) {
    const auto filter = parse_filter({{"a.b", {{name, "x"}}}});
    ASSERT_TRUE(filter.ok()) << name;
    ASSERT_EQ(filter->conditions.size(), 1U);
    EXPECT_EQ(filter->conditions[0].property, "a.b");
    EXPECT_EQ(filter->conditions[0].comparison, comparison) << name;
    EXPECT_EQ(filter->conditions[0].operands, std::vector<PropertyValue>{std::string("x")});
  }
}

TEST(VectorizeFilter, ScalarsAreShortForEquality) {
  const auto filter =
      parse_filter({{"b", true}, {"n", 1.5}, {"s", "x"}, {"u", 18446744073709551615U}, {"z", {}}});
  ASSERT_TRUE(filter.ok());
  ASSERT_EQ(filter->conditions.size(), 5U);
  const PropertyValue expected[] = {true, 1.5, std::string("x"), 18446744073709551615.0, {}};
  for (std::size_t at = 0; at < 5; ++at) {
    EXPECT_EQ(filter->conditions[at].comparison, Comparison::eq);
    EXPECT_EQ(filter->conditions[at].operands, std::vector<PropertyValue>{expected[at]}) << at;
  }
}

TEST(VectorizeFilter, ListsMayBeMixedOrEmpty) {
  const auto filter = parse_filter(
      {{"a", {{"$in", json::array({nullptr, "x", 1, false})}}}, {"b", {{"$nin", json::array()}}}});
  ASSERT_TRUE(filter.ok());
  EXPECT_EQ(filter->conditions[0].comparison, Comparison::in);
  EXPECT_EQ(filter->conditions[0].operands,
            (std::vector<PropertyValue>{PropertyValue(), std::string("x"), 1.0, false}));
  EXPECT_EQ(filter->conditions[1].comparison, Comparison::nin);
  EXPECT_TRUE(filter->conditions[1].operands.empty());
}

TEST(VectorizeFilter, OneLowerAndOneUpperBoundGoTogether) {
  const auto filter = parse_filter({{"a", {{"$gte", "net"}, {"$lt", "neu"}}}});
  ASSERT_TRUE(filter.ok());
  EXPECT_EQ(filter->conditions.size(), 2U);
  const json refused[] = {
      {{"$gt", 1}, {"$gte", 1}},
      {{"$lt", 1}, {"$lte", 1}},
      {{"$eq", 1}, {"$ne", 2}},
      {{"$gt", 1}, {"$ne", 2}},
      {{"$gt", 1}, {"$lt", 2}, {"$ne", 3}},
  };
  for (const json& operators : refused) {
    EXPECT_THAT(refusal({{"a", operators}}), HasSubstr("go together")) << operators;
  }
}

TEST(VectorizeFilter, NothingIsNoCondition) {
  const auto filter = parse_filter(json::object());
  ASSERT_TRUE(filter.ok());
  EXPECT_TRUE(filter->conditions.empty());
}

TEST(VectorizeFilter, OtherShapesAreRefused) {
  EXPECT_THAT(refusal(json::array()), HasSubstr("expected an object"));
  EXPECT_THAT(refusal("x"), HasSubstr("expected an object"));
  EXPECT_THAT(refusal({{"a", json::object()}}), HasSubstr("holds no operator"));
  EXPECT_THAT(refusal({{"a", {{"b", 1}}}}), HasSubstr("named with a dot"));
  EXPECT_THAT(refusal({{"a", {{"", 1}}}}), HasSubstr("expected an operator"));
  EXPECT_THAT(refusal({{"a", json::array({1})}}), HasSubstr("$in"));
  EXPECT_THAT(refusal({{"a", {{"$eq", json::array({1})}}}}), HasSubstr("$eq takes"));
  EXPECT_THAT(refusal({{"a", {{"$in", "x"}}}}), HasSubstr("$in takes an array"));
  EXPECT_THAT(refusal({{"a", {{"$nin", json::array({json::object()})}}}}), HasSubstr("$nin takes"));
  for (const json& operand : {json::array({1}), json(true), json(), json::object()}) {
    EXPECT_THAT(refusal({{"a", {{"$gt", operand}}}}), HasSubstr("$gt takes a string or a number"));
  }
}

TEST(VectorizeFilter, TheHostedGrammarKnowsNoneOfOurOperators) {
  const auto hosted = [](const json& filter) { return refusal(filter, FilterGrammar::hosted); };
  const json filters[] = {
      {{"$and", json::array({{{"a", 1}}})}},
      {{"$or", json::array({{{"a", 1}}})}},
      {{"$not", {{"a", 1}}}},
      {{"a", {{"$not", {{"$eq", 1}}}}}},
      {{"a", {{"$exists", true}}}},
      {{"a", {{"$contains", "x"}}}},
  };
  for (const json& filter : filters) {
    EXPECT_EQ(refusal(filter), "accepted") << filter;
    EXPECT_THAT(hosted(filter),
                HasSubstr("there are $eq, $ne, $in, $nin, $lt, $lte, $gt and $gte ("))
        << filter;
  }
  EXPECT_THAT(hosted({{"$or", json::array()}}), HasSubstr("$in"));
  EXPECT_THAT(hosted({{"a", {{"$not", 1}}}}), HasSubstr("use $ne or $nin"));
  EXPECT_THAT(hosted({{"a", {{"$gt", 1}, {"$lt", 2}, {"$exists", true}}}}),
              HasSubstr("at most two operators"));
}

TEST(VectorizeFilter, OperatorsOfOtherDatabasesAreNamed) {
  EXPECT_THAT(refusal({{"$nor", json::array()}}), HasSubstr("use $or inside $not"));
  EXPECT_THAT(refusal({{"a", {{"$near", 1}}}}), HasSubstr("there are $eq"));
  EXPECT_THAT(refusal({{"a", {{"$regex", "x"}}}}), HasSubstr("$contains"));
  EXPECT_THAT(refusal({{"a", {{"$or", json::array()}}}}), HasSubstr("beside their properties"));
  EXPECT_THAT(refusal({{"$exists", true}}), HasSubstr("inside a property"));
}

TEST(VectorizeFilter, AllOfAndArePartOfTheFilterItself) {
  const auto filter = parse_filter(
      {{"a", 1}, {"$and", json::array({{{"b", 2}}, {{"$and", json::array({{{"c", 3}}})}}})}});
  ASSERT_TRUE(filter.ok());
  EXPECT_EQ(filter->conditions.size(), 3U);
  EXPECT_TRUE(filter->groups.empty());
}

TEST(VectorizeFilter, OrAndNotAreGroups) {
  const auto filter =
      parse_filter({{"$or", json::array({{{"a", 1}}, {{"b", 2}, {"c", 3}}, json::object()})},
                    {"$not", {{"d", 4}}},
                    {"e", {{"$not", {{"$gt", 1}, {"$lt", 5}}}, {"$exists", true}}}});
  ASSERT_TRUE(filter.ok());
  ASSERT_EQ(filter->conditions.size(), 1U);
  EXPECT_EQ(filter->conditions[0].comparison, Comparison::exists);
  ASSERT_EQ(filter->groups.size(), 3U);
  // In the order of the JSON's keys: $not, $or, e.
  EXPECT_TRUE(filter->groups[0].negated);
  ASSERT_EQ(filter->groups[0].filters.size(), 1U);
  EXPECT_EQ(filter->groups[0].filters[0].conditions[0].property, "d");
  EXPECT_FALSE(filter->groups[1].negated);
  ASSERT_EQ(filter->groups[1].filters.size(), 3U);
  EXPECT_EQ(filter->groups[1].filters[1].conditions.size(), 2U);
  EXPECT_TRUE(filter->groups[1].filters[2].empty());
  EXPECT_TRUE(filter->groups[2].negated);
  EXPECT_EQ(filter->groups[2].filters[0].conditions.size(), 2U);
  EXPECT_EQ(vectors::conditions_of(*filter).size(), 7U);
}

TEST(VectorizeFilter, GroupsHoldFiltersAndNothingElse) {
  for (const char* name : {"$and", "$or"}) {
    const json operands[] = {json::array(), json::object(), 1, json::array({1}),
                             json::array({json::object(), json::array()})};
    for (const json& operand : operands) {
      EXPECT_THAT(refusal({{name, operand}}), HasSubstr("an array of one filter or more"));
    }
    EXPECT_THAT(refusal({{name, json::array({{{"a", {{"$near", 1}}}}})}}), HasSubstr("$near"));
  }
  EXPECT_THAT(refusal({{"$not", json::array()}}), HasSubstr("$not takes a filter"));
  EXPECT_THAT(refusal({{"a", {{"$not", "x"}}}}), HasSubstr("an object of operators"));
  EXPECT_THAT(refusal({{"a", {{"$not", json::object()}}}}), HasSubstr("holds no operator"));
  EXPECT_THAT(refusal({{"a", {{"$exists", 1}}}}), HasSubstr("$exists takes true or false"));
  EXPECT_THAT(refusal({{"a", {{"$contains", true}}}}), HasSubstr("$contains takes a string or"));
}

TEST(VectorizeFilter, DepthIsBounded) {
  const auto nested = [](const char* name, std::size_t depth) {
    json filter = {{"a", 1}};
    for (std::size_t at = 1; at < depth; ++at) {
      filter = std::string_view(name) == "$not" ? json{{name, filter}}
                                                : json{{name, json::array({filter})}};
    }
    return filter;
  };
  for (const char* name : {"$and", "$or", "$not"}) {
    EXPECT_EQ(refusal(nested(name, 16)), "accepted");
    EXPECT_THAT(refusal(nested(name, 17)), HasSubstr("at most 16 filters"));
  }
  json operators = {{"$eq", 1}};
  for (int at = 0; at < 15; ++at) operators = {{"$not", operators}};
  EXPECT_EQ(refusal({{"a", operators}}), "accepted");
  EXPECT_THAT(refusal({{"a", {{"$not", operators}}}}), HasSubstr("at most 16 filters"));
}

TEST(VectorizeFilter, NamesOfPropertiesAreBounded) {
  EXPECT_EQ(refusal({{std::string(512, 'k'), 1}}), "accepted");
  EXPECT_THAT(refusal({{std::string(513, 'k'), 1}}), HasSubstr("512 characters"));
  EXPECT_THAT(refusal({{"", 1}}), HasSubstr("must not be empty"));
  EXPECT_THAT(refusal({{"a\"b", 1}}), HasSubstr("must not hold"));
}

TEST(VectorizeFilter, ItsJsonHasLessThan2048Bytes) {
  EXPECT_EQ(refusal({{"k", std::string(2047 - 8, 'v')}}), "accepted");
  EXPECT_THAT(refusal({{"k", std::string(2048 - 8, 'v')}}), HasSubstr("less than 2048 bytes"));
}

TEST(VectorizeFilter, RefusalsDoNotRepeatValues) {
  EXPECT_THAT(refusal({{"a", {{"$gt", json::array({"secret"})}}}}), Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace selvedge::api
