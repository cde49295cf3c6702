// Tests of JSON depth: brackets count outside of texts alone.
#include "base/json_depth.h"

#include <string>

#include <gtest/gtest.h>

namespace selvedge {
namespace {

TEST(JsonDepth, SixtyFourStandInEachOtherAndNoMore) {
  EXPECT_TRUE(within_depth(std::string(64, '[') + std::string(64, ']')));
  EXPECT_FALSE(within_depth(std::string(65, '[')));
  EXPECT_FALSE(within_depth(std::string(40, '[') + std::string(25, '{')));
}

TEST(JsonDepth, WhatStandsInATextDoesNotCount) {
  EXPECT_TRUE(within_depth("\"" + std::string(100, '[') + "\\\"[\""));
}

TEST(JsonDepth, WhatIsClosedDoesNotCount) {
  std::string text;
  for (int time = 0; time < 100; ++time) text += "{}]";
  EXPECT_TRUE(within_depth(text));
}

}  // namespace
}  // namespace selvedge
