// Back-off: at once, then later and later, and anew after a healthy life.
#include "inference/back_off.h"

#include <gtest/gtest.h>

namespace selvedge::inference {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(BackOff, TheFirstRestartIsImmediateAndTheOthersWaitTwiceAsLongEachTime) {
  BackOff back_off(milliseconds(500), seconds(30), seconds(60));
  const BackOff::TimePoint now{seconds(1000)};
  for (const int wait_ms : {0, 500, 1'000, 2'000, 4'000, 8'000, 16'000, 30'000, 30'000}) {
    back_off.failed(now, seconds(1));
    EXPECT_EQ(back_off.not_before(), now + milliseconds(wait_ms));
  }
}

TEST(BackOff, AfterAHealthyLifeTheRestartIsImmediateAgain) {
  BackOff back_off(milliseconds(500), seconds(30), seconds(60));
  const BackOff::TimePoint now{seconds(1000)};
  for (int failure = 0; failure < 100; ++failure) back_off.failed(now, seconds(1));
  EXPECT_EQ(back_off.not_before(), now + seconds(30));

  back_off.failed(now, seconds(60));
  EXPECT_EQ(back_off.not_before(), now);
}

}  // namespace
}  // namespace selvedge::inference
