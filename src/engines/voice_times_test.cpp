// VoiceTimes: there and back.
#include "engines/voice_times.h"

#include <gtest/gtest.h>

namespace selvedge::engines {
namespace {

TEST(VoiceTimes, WithoutPartsNothingMoves) { EXPECT_DOUBLE_EQ(VoiceTimes().original(3.5), 3.5); }

TEST(VoiceTimes, AMomentIsWhereItWas) {
  const VoiceTimes times({{16'000, 32'000}, {80'000, 96'000}});
  EXPECT_DOUBLE_EQ(times.seconds(), 2.0);
  EXPECT_DOUBLE_EQ(times.original(0), 1.0);
  EXPECT_DOUBLE_EQ(times.original(0.5), 1.5);
  EXPECT_DOUBLE_EQ(times.original(1.05), 2.0);  // In the silence between them.
  EXPECT_DOUBLE_EQ(times.original(1.1), 5.0);
  EXPECT_DOUBLE_EQ(times.original(1.6), 5.5);
  EXPECT_DOUBLE_EQ(times.original(9), 6.0);
}

TEST(VoiceTimes, JoinsTheParts) {
  const std::vector<float> samples = {0, 1, 2, 3, 4, 5, 6, 7};
  const auto joined = VoiceTimes({{1, 3}, {6, 20}}).joined(samples);
  ASSERT_EQ(joined.size(), 2u + 1'600u + 2u);
  EXPECT_EQ(joined[0], 1);
  EXPECT_EQ(joined[1], 2);
  EXPECT_EQ(joined[2], 0);
  EXPECT_EQ(joined[1'602], 6);
  EXPECT_EQ(joined[1'603], 7);
}

}  // namespace
}  // namespace selvedge::engines
