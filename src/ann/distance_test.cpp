// Tests of the distances: every instruction set of this processor against sums in double.
#include "ann/distance.h"

#include <cmath>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>
#include <hwy/aligned_allocator.h>
#include <hwy/targets.h>

namespace selvedge::ann {
namespace {

constexpr std::size_t kRows = 11;  // Two groups of four and a rest of three.

struct Sample {
  std::size_t dimensions;
  std::size_t stride;
  hwy::AlignedFreeUniquePtr<float[]> query;
  hwy::AlignedFreeUniquePtr<float[]> rows;
};

Sample sample(std::size_t dimensions, std::mt19937& random) {
  std::normal_distribution<float> normal;
  Sample made{dimensions, padded_dimensions(dimensions), {}, {}};
  made.query = hwy::AllocateAligned<float>(made.stride);
  made.rows = hwy::AllocateAligned<float>(made.stride * kRows);
  std::fill_n(made.query.get(), made.stride, 0.0F);
  std::fill_n(made.rows.get(), made.stride * kRows, 0.0F);
  for (std::size_t at = 0; at < dimensions; ++at) {
    made.query[at] = normal(random);
    for (std::size_t row = 0; row < kRows; ++row)
      made.rows[row * made.stride + at] = normal(random);
  }
  return made;
}

struct Expected {
  double dot = 0;
  double dot_magnitude = 0;
  double squared = 0;
};

Expected expected(const Sample& given, std::size_t row) {
  Expected sum;
  for (std::size_t at = 0; at < given.dimensions; ++at) {
    const double a = given.query[at];
    const double b = given.rows[row * given.stride + at];
    sum.dot += a * b;
    sum.dot_magnitude += std::abs(a * b);
    sum.squared += (a - b) * (a - b);
  }
  return sum;
}

void expect_agreement(const Sample& given) {
  const RowBlock block{given.rows.get(), given.stride};
  const std::vector<std::uint32_t> chosen = {10, 0, 3, 3, 7, 9};
  std::vector<float> dots(kRows);
  std::vector<float> squares(kRows);
  std::vector<float> chosen_dots(chosen.size());
  std::vector<float> chosen_squares(chosen.size());
  dot_rows(given.query.get(), block, dots);
  squared_distance_rows(given.query.get(), block, squares);
  dot_chosen(given.query.get(), block, chosen, chosen_dots);
  squared_distance_chosen(given.query.get(), block, chosen, chosen_squares);
  std::vector<const float*> places;
  for (const std::uint32_t row : chosen) places.push_back(block.values + row * block.stride);
  std::vector<float> scattered(chosen.size());
  dot_scattered(given.query.get(), given.stride, places, scattered);
  ASSERT_EQ(scattered, chosen_dots);
  squared_distance_scattered(given.query.get(), given.stride, places, scattered);
  ASSERT_EQ(scattered, chosen_squares);
  for (std::size_t row = 0; row < kRows; ++row) {
    const Expected exact = expected(given, row);
    ASSERT_NEAR(dots[row], exact.dot, 1e-5 * exact.dot_magnitude) << given.dimensions;
    ASSERT_NEAR(squares[row], exact.squared, 1e-5 * exact.squared) << given.dimensions;
  }
  for (std::size_t at = 0; at < chosen.size(); ++at) {
    const Expected exact = expected(given, chosen[at]);
    ASSERT_NEAR(chosen_dots[at], exact.dot, 1e-5 * exact.dot_magnitude) << given.dimensions;
    ASSERT_NEAR(chosen_squares[at], exact.squared, 1e-5 * exact.squared) << given.dimensions;
  }
}

class DistanceOf : public testing::TestWithParam<std::int64_t> {
 protected:
  void SetUp() override { hwy::SetSupportedTargetsForTest(GetParam()); }
  void TearDown() override { hwy::SetSupportedTargetsForTest(0); }
};

TEST_P(DistanceOf, AgreesWithSumsInDoubleForEveryShape) {
  std::mt19937 random(7);
  for (std::size_t dimensions = 1; dimensions <= 130; ++dimensions) {
    ASSERT_NO_FATAL_FAILURE(expect_agreement(sample(dimensions, random)));
  }
  for (const std::size_t dimensions : {384U, 768U, 1024U, 1536U, 4096U}) {
    ASSERT_NO_FATAL_FAILURE(expect_agreement(sample(dimensions, random)));
  }
}

TEST_P(DistanceOf, ARowsNumberDoesNotDependOnWhatIsAskedForBesideIt) {
  std::mt19937 random(9);
  for (const std::size_t dimensions : {7U, 64U, 768U}) {
    const Sample given = sample(dimensions, random);
    const RowBlock block{given.rows.get(), given.stride};
    std::vector<float> all(kRows);
    dot_rows(given.query.get(), block, all);
    for (std::size_t count = 1; count <= kRows; ++count) {
      std::vector<float> some(count);
      dot_rows(given.query.get(), block, some);
      ASSERT_EQ(some,
                std::vector<float>(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count)));
    }
  }
}

TEST_P(DistanceOf, IsExactlyZeroForEqualVectors) {
  std::mt19937 random(8);
  Sample given = sample(768, random);
  std::copy_n(given.query.get(), given.stride, given.rows.get());
  std::vector<float> squares(1);
  squared_distance_rows(given.query.get(), {given.rows.get(), given.stride}, squares);
  EXPECT_EQ(squares[0], 0.0F);
}

INSTANTIATE_TEST_SUITE_P(EveryTarget, DistanceOf,
                         testing::ValuesIn(hwy::SupportedAndGeneratedTargets()),
                         [](const auto& each) { return hwy::TargetName(each.param); });

}  // namespace
}  // namespace selvedge::ann
