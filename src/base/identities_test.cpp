// Tests of identities: what a seed makes repeatable, and what stays random without one.
#include "base/identities.h"

#include <regex>

#include <gtest/gtest.h>

namespace selvedge {
namespace {

TEST(Identities, WithoutASeedNoTwoAreAlikeAndTheClockIsReal) {
  Identities identities;
  EXPECT_NE(identities.uuid({"a"}), identities.uuid({"a"}));
  EXPECT_GT(identities.now_s(), 1'767'225'600);
}

TEST(Identities, UnderOneSeedTheSameIsAskedAndTheSameIsAnswered) {
  Identities one(7);
  Identities other(7);
  EXPECT_EQ(one.uuid({"a", "b"}), other.uuid({"a", "b"}));
  EXPECT_EQ(one.now_s(), 1'767'225'600);
  EXPECT_NE(Identities(8).uuid({"a", "b"}), Identities(7).uuid({"a", "b"}));
}

TEST(Identities, TheSecondOfTheSameIsAnotherAndFollowsFromTheSeedToo) {
  Identities one(7);
  Identities other(7);
  const std::string first = one.uuid({"a"});
  const std::string second = one.uuid({"a"});
  EXPECT_NE(first, second);
  other.uuid({"something else"});
  EXPECT_EQ(other.uuid({"a"}), first);
  EXPECT_EQ(other.uuid({"a"}), second);
}

TEST(Identities, PartsAreToldApartByWhereTheyEnd) {
  Identities identities(7);
  EXPECT_NE(identities.uuid({"ab", "c"}), identities.uuid({"a", "bc"}));
}

TEST(Identities, AllHaveTheFormOfARandomUuid) {
  const std::regex form("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  Identities identities(7);
  for (int round = 0; round < 100; ++round) {
    EXPECT_TRUE(std::regex_match(identities.uuid({"a"}), form));
  }
}

}  // namespace
}  // namespace selvedge
