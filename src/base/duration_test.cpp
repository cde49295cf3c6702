// Tests of durations.
#include "base/duration.h"

#include <gtest/gtest.h>

namespace selvedge {
namespace {

using std::chrono::milliseconds;

TEST(Duration, UnitsFromMillisecondsToHoursAreUnderstood) {
  EXPECT_EQ(*parse_duration("500ms"), milliseconds(500));
  EXPECT_EQ(*parse_duration("30s"), milliseconds(30'000));
  EXPECT_EQ(*parse_duration("1.5s"), milliseconds(1'500));
  EXPECT_EQ(*parse_duration("2m"), milliseconds(120'000));
  EXPECT_EQ(*parse_duration("1h"), milliseconds(3'600'000));
  EXPECT_EQ(*parse_duration("0"), milliseconds(0));
  EXPECT_EQ(*parse_duration("0s"), milliseconds(0));
}

TEST(Duration, WhatIsNoneIsRefusedWithTheFormsThatThereAre) {
  for (const char* text : {"", "30", "s", "-1s", "1e3s", "30 s", "30S", "nan", "inf", "1d", "1s1s",
                           "999999999999999999h"}) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().code, Code::invalid_input);
    EXPECT_NE(parsed.error().message.find("500ms"), std::string::npos);
  }
}

}  // namespace
}  // namespace selvedge
