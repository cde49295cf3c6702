// Tests of error spreads.
#include "ann/error_spread.h"

#include <random>

#include <gtest/gtest.h>

namespace selvedge::ann {
namespace {

TEST(ErrorSpread, IsTheMeanAndSoManyDeviations) {
  ErrorSpread spread;
  spread.add(1);
  EXPECT_DOUBLE_EQ(spread.most(3), 1);
  spread.add(5);
  EXPECT_EQ(spread.count(), 2U);
  EXPECT_DOUBLE_EQ(spread.most(0), 3);
  EXPECT_DOUBLE_EQ(spread.most(2), 3 + 2 * 2);
}

TEST(ErrorSpread, FewErrorsAreLargerThanThreeDeviations) {
  std::mt19937 random(1);
  std::normal_distribution<double> errors(-0.3, 2);
  ErrorSpread spread;
  for (int at = 0; at < 64; ++at) spread.add(errors(random));
  int larger = 0;
  for (int at = 0; at < 10'000; ++at) larger += errors(random) > spread.most(3) ? 1 : 0;
  EXPECT_LT(larger, 100);
}

}  // namespace
}  // namespace selvedge::ann
