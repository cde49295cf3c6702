// Tests of kit rules: the grammar, globs, counts, and draws that a seed repeats.
#include "api/kit_rule.h"

#include <vector>

#include <gtest/gtest.h>

namespace selvedge::api {
namespace {

KitRule rule_of(std::string_view text) {
  auto cut = cut_rule(text);
  EXPECT_TRUE(cut.ok()) << text;
  return std::move(cut)->rule;
}

std::vector<int> struck(std::string_view text, int count, std::uint64_t seed = 1) {
  const KitRule rule = rule_of(text);
  std::vector<int> numbers;
  for (int number = 1; number <= count; ++number) {
    if (strikes(rule, static_cast<std::uint64_t>(number), seed)) numbers.push_back(number);
  }
  return numbers;
}

TEST(KitRule, EveryPartIsCutOffTheAction) {
  const auto cut = cut_rule("3040+2:0.25#1-3@@cf/meta/*");
  ASSERT_TRUE(cut.ok());
  EXPECT_EQ(cut->action, "3040+2");
  EXPECT_EQ(cut->rule.rate, 0.25);
  EXPECT_EQ(cut->rule.first, 1U);
  EXPECT_EQ(cut->rule.last, 3U);
  EXPECT_EQ(cut->rule.where, "@cf/meta/*");
  EXPECT_EQ(cut_rule("3040")->action, "3040");
}

TEST(KitRule, CountsMeanOneCallSomeCallsOrEveryNth) {
  EXPECT_EQ(struck("x", 4), (std::vector<int>{1, 2, 3, 4}));
  EXPECT_EQ(struck("x#3", 5), (std::vector<int>{3}));
  EXPECT_EQ(struck("x#1-3", 5), (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(struck("x#4-", 5), (std::vector<int>{4, 5}));
  EXPECT_EQ(struck("x#/2", 5), (std::vector<int>{2, 4}));
}

TEST(KitRule, WhatIsMalformedIsNamed) {
  for (const char* text :
       {"x:", "x:2", "x:-1", "x:0.1.2", "x#", "x#0", "x#3-1", "x#/0", "x#a", "x@", "x:1e-1"}) {
    const auto cut = cut_rule(text);
    ASSERT_FALSE(cut.ok()) << text;
    EXPECT_NE(cut.error().message.find(text), std::string::npos);
  }
}

TEST(KitRule, ARateStrikesAboutSoOftenAndASeedRepeatsIt) {
  const auto once = struck("3040:0.1", 10'000);
  EXPECT_NEAR(static_cast<double>(once.size()), 1'000, 100);
  EXPECT_EQ(struck("3040:0.1", 10'000), once);
  EXPECT_NE(struck("3040:0.1", 10'000, 2), once);
  EXPECT_TRUE(struck("3040:0", 1'000).empty());
}

TEST(KitRule, AStarStandsForAnythingAndTheRestForItself) {
  EXPECT_TRUE(matches_glob("@cf/meta/*", "@cf/meta/llama-3-8b-instruct"));
  EXPECT_TRUE(matches_glob("*", ""));
  EXPECT_TRUE(matches_glob("*query*", "vectorize/query/docs"));
  EXPECT_TRUE(matches_glob("a*b*c", "a-b-b-c"));
  EXPECT_FALSE(matches_glob("a*b*c", "a-b-b"));
  EXPECT_FALSE(matches_glob("ai/run", "ai/run/x"));
  EXPECT_FALSE(matches_glob("?", "x"));
  EXPECT_FALSE(matches_glob("", "x"));
}

TEST(KitRule, WhereIsMetByAnyOfTheNames) {
  const std::vector<std::string> names = {"vectorize/query", "docs"};
  EXPECT_TRUE(is_where(rule_of("x"), names));
  EXPECT_TRUE(is_where(rule_of("x@docs"), names));
  EXPECT_TRUE(is_where(rule_of("x@vectorize/*"), names));
  EXPECT_FALSE(is_where(rule_of("x@ai/run"), names));
}

}  // namespace
}  // namespace selvedge::api
