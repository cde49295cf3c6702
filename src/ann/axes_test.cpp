// Tests of the axes: samples whose covariance is known.
#include "ann/axes.h"

#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace selvedge::ann {
namespace {

double product(const Axes& axes, std::size_t a, std::size_t b, std::size_t dimensions) {
  double sum = 0;
  for (std::size_t at = 0; at < dimensions; ++at) {
    sum += static_cast<double>(axes.rows[a * dimensions + at]) * axes.rows[b * dimensions + at];
  }
  return sum;
}

void expect_orthonormal(const Axes& axes, std::size_t dimensions) {
  for (std::size_t a = 0; a < dimensions; ++a) {
    for (std::size_t b = 0; b <= a; ++b) {
      ASSERT_NEAR(product(axes, a, b, dimensions), a == b ? 1 : 0, 1e-4) << a << " " << b;
    }
  }
}

TEST(Axes, OfACrossAreItsArmsTheLongerFirst) {
  // About (10, 20): two steps of 3 along (0.6, 0.8), two of 1 along (-0.8, 0.6).
  const std::vector<float> sample = {11.8F, 22.4F, 8.2F, 17.6F, 9.2F, 20.6F, 10.8F, 19.4F};
  const Axes axes = principal_axes(sample, 2, true);
  EXPECT_NEAR(axes.mean[0], 10, 1e-4);
  EXPECT_NEAR(axes.mean[1], 20, 1e-4);
  EXPECT_NEAR(axes.energies[0], 4.5, 1e-4);
  EXPECT_NEAR(axes.energies[1], 0.5, 1e-4);
  EXPECT_NEAR(std::abs(axes.rows[0] * 0.6F + axes.rows[1] * 0.8F), 1, 1e-4);
}

TEST(Axes, NotCentredEnergiesAreMeanSquares) {
  const std::vector<float> sample = {3, 4, 3, 4};
  const Axes axes = principal_axes(sample, 2, false);
  EXPECT_EQ(axes.mean, (std::vector<float>{0, 0}));
  EXPECT_NEAR(axes.energies[0], 25, 1e-4);
  EXPECT_NEAR(axes.energies[1], 0, 1e-4);
  EXPECT_NEAR(std::abs(axes.rows[0] * 0.6F + axes.rows[1] * 0.8F), 1, 1e-5);
}

TEST(Axes, FindTheKnownDeviationsOfIndependentCoordinates) {
  constexpr std::size_t kDimensions = 40;
  std::mt19937 random(9);
  std::normal_distribution<float> normal;
  std::vector<float> sample;
  for (std::size_t row = 0; row < 8'000; ++row) {
    for (std::size_t at = 0; at < kDimensions; ++at) {
      sample.push_back(normal(random) * std::pow(0.8F, static_cast<float>(at)) + 2);
    }
  }
  const Axes axes = principal_axes(sample, kDimensions, true);
  expect_orthonormal(axes, kDimensions);
  for (std::size_t at = 0; at < 10; ++at) {
    EXPECT_NEAR(axes.energies[at] / std::pow(0.64, static_cast<double>(at)), 1, 0.1) << at;
    EXPECT_GT(std::abs(axes.rows[at * kDimensions + at]), 0.95) << at;
    EXPECT_NEAR(axes.mean[at], 2, 0.06) << at;
  }
}

TEST(Axes, OfOneRowAreStillOrthonormal) {
  std::vector<float> sample(17, 0.5F);
  const Axes centred = principal_axes(sample, 17, true);
  expect_orthonormal(centred, 17);
  EXPECT_EQ(centred.energies[0], 0);
}

TEST(Axes, OfValuesAtTheEndsOfTheGraphsRangeAreFinite) {
  std::mt19937 random(9);
  std::normal_distribution<float> normal;
  for (const float scale : {1e12F, 1e-12F}) {
    std::vector<float> sample;
    for (std::size_t at = 0; at < 50 * 8; ++at) sample.push_back(normal(random) * scale);
    const Axes axes = principal_axes(sample, 8, true);
    expect_orthonormal(axes, 8);
    for (const float energy : axes.energies) {
      EXPECT_GT(energy / scale / scale, 0.1F);
      EXPECT_LT(energy / scale / scale, 10.0F);
    }
  }
}

}  // namespace
}  // namespace selvedge::ann
