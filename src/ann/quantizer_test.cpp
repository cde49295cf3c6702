// Tests of the quantizer: what codes say of distances and products, against both in double.
#include "ann/quantizer.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "ann/kernel_variants.h"

namespace selvedge::ann {
namespace {

struct Shape {
  Space space;
  std::size_t dimensions;
  std::size_t rows;
  float scale = 1;
};

// Coordinates that differ more and more weakly, as embeddings do, about a mean that is not zero.
std::vector<float> sample_of(const Shape& shape, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> sample(shape.rows * shape.dimensions);
  for (std::size_t at = 0; at < sample.size(); ++at) {
    const auto dimension = static_cast<float>(at % shape.dimensions);
    sample[at] = (normal(random) / (1 + dimension / 50) + 0.5F) * shape.scale;
  }
  return sample;
}

// Of vectors less `mean`.
struct Pair {
  double product = 0;
  double query_length = 0;
  double row_length = 0;
};

Pair pair_of(std::span<const float> query, std::span<const float> row,
             const std::vector<double>& mean) {
  Pair pair;
  double query_squares = 0;
  double row_squares = 0;
  for (std::size_t at = 0; at < query.size(); ++at) {
    const double a = query[at] - mean[at];
    const double b = row[at] - mean[at];
    pair.product += a * b;
    query_squares += a * a;
    row_squares += b * b;
  }
  pair.query_length = std::sqrt(query_squares);
  pair.row_length = std::sqrt(row_squares);
  return pair;
}

class QuantizerOf : public testing::TestWithParam<Shape> {
 protected:
  void SetUp() override {
    shape_ = GetParam();
    std::mt19937 random(11);
    sample_ = sample_of(shape_, random);
    quantizer_ = Quantizer::train(shape_.space, shape_.dimensions, sample_, 1);
    mean_.assign(shape_.dimensions, 0);
    if (shape_.space == Space::distance) {
      for (std::size_t at = 0; at < sample_.size(); ++at) {
        mean_[at % shape_.dimensions] += sample_[at] / static_cast<double>(shape_.rows);
      }
    }
    head_.resize(kBlockBytes);
    rest_.resize(quantizer_->rest_bytes());
  }
  std::span<const float> row(std::size_t at) const {
    return std::span(sample_).subspan(at * shape_.dimensions, shape_.dimensions);
  }
  double score(const CodeQuery& query) const {
    const Slot slot = 0;
    float score = 0;
    kernels().score_heads(query, head_.data(), &slot, 1, &score);
    kernels().add_rests(query, head_.data(), rest_.data(), &slot, 1, &score);
    return score;
  }

  Shape shape_{};
  std::vector<float> sample_;
  std::vector<double> mean_;
  std::shared_ptr<const Quantizer> quantizer_;
  AlignedVector<std::uint8_t> head_;
  AlignedVector<std::uint8_t> rest_;
};

// A coordinate of 4 bits errs by 0.11 of its deviation (Max, 1960), and at least 104 such errors
// average out: 0.011 of the lengths' product, of which this is five times as much.
constexpr double kFarthest = 0.055;
// The mean of some hundred errors.
constexpr double kBias = 0.004;

TEST_P(QuantizerOf, ScoresComeNearTheTrueOnesAndAreRightOnAverage) {
  ASSERT_NEAR(quantizer_->lost_share(), 0, 1e-3);  // All of the variance was asked for.
  double bias = 0;
  int count = 0;
  Quantizer::Scratch encoding;
  Quantizer::Scratch asking;
  for (std::size_t at = 0; at < std::min<std::size_t>(shape_.rows, 24); ++at) {
    const double lost = quantizer_->encode(row(at), encoding, head_.data(), rest_.data());
    EXPECT_NEAR(lost, 0, 1e-3);
    for (std::size_t from = 0; from < std::min<std::size_t>(shape_.rows, 24); ++from) {
      const Pair pair = pair_of(row(from), row(at), mean_);
      const bool distance = shape_.space == Space::distance;
      const double right = pair.product - (distance ? pair.row_length * pair.row_length / 2 : 0);
      const double estimate = score(quantizer_->query(row(from), asking));
      const double unit = pair.query_length * pair.row_length;
      ASSERT_NEAR(estimate, right, kFarthest * unit + 1e-4 * pair.row_length * pair.row_length)
          << at << " " << from;
      if (unit > 0) bias += (estimate - right) / unit;
      ++count;
    }
  }
  EXPECT_NEAR(bias / count, 0, kBias);
}

TEST_P(QuantizerOf, CodesMadeQuicklyScoreNearlyAsTheOthers) {
  Quantizer::Scratch encoding;
  Quantizer::Scratch asking;
  for (std::size_t at = 0; at < std::min<std::size_t>(shape_.rows, 24); ++at) {
    for (std::size_t from = 0; from < std::min<std::size_t>(shape_.rows, 24); ++from) {
      const Pair pair = pair_of(row(from), row(at), mean_);
      quantizer_->encode(row(at), encoding, head_.data(), rest_.data());
      const double slowly = score(quantizer_->query(row(from), asking));
      quantizer_->encode_quickly(row(at), encoding, head_.data(), rest_.data());
      const double quickly = score(quantizer_->query(row(from), asking));
      EXPECT_NEAR(quickly, slowly, kFarthest / 2 * (pair.query_length * pair.row_length + 1e-30));
    }
  }
}

TEST_P(QuantizerOf, AVectorsOwnQueryScoresItsOwnDistance) {
  Quantizer::Scratch scratch;
  for (std::size_t at = 0; at < std::min<std::size_t>(shape_.rows, 24); ++at) {
    quantizer_->encode(row(at), scratch, head_.data(), rest_.data());
    const Pair pair = pair_of(row(at), row(at), mean_);
    // |x|² - |x|² / 2; the factors make the product of a vector with its own code exact.
    ASSERT_NEAR(score(quantizer_->coordinate_query(scratch)), pair.product / 2,
                0.01 * pair.product);
  }
}

TEST_P(QuantizerOf, AZeroVectorIsScoredAsOne) {
  Quantizer::Scratch encoding;
  Quantizer::Scratch asking;
  const std::vector<float> zero(shape_.dimensions, 0);
  quantizer_->encode(zero, encoding, head_.data(), rest_.data());
  const Pair pair = pair_of(row(0), zero, mean_);
  const bool distance = shape_.space == Space::distance;
  const double right = pair.product - (distance ? pair.row_length * pair.row_length / 2 : 0);
  EXPECT_NEAR(score(quantizer_->query(row(0), asking)), right,
              kFarthest * pair.query_length * pair.row_length + 1e-9);
  quantizer_->encode(row(0), encoding, head_.data(), rest_.data());
  const Pair back = pair_of(zero, row(0), mean_);
  const double asked = back.product - (distance ? back.row_length * back.row_length / 2 : 0);
  EXPECT_NEAR(score(quantizer_->query(zero, asking)), asked,
              kFarthest * back.query_length * back.row_length + 1e-9);
}

INSTANTIATE_TEST_SUITE_P(
    EveryShape, QuantizerOf,
    testing::Values(Shape{Space::distance, 1, 200}, Shape{Space::product, 1, 200},
                    Shape{Space::distance, 32, 200}, Shape{Space::product, 32, 200},
                    Shape{Space::distance, 100, 300}, Shape{Space::product, 100, 300},
                    Shape{Space::distance, 32, 200, 1e12F}, Shape{Space::product, 32, 200, 1e-12F},
                    Shape{Space::distance, 32, 200, 1e-12F}, Shape{Space::product, 32, 200, 1e12F},
                    Shape{Space::distance, 768, 300}, Shape{Space::product, 768, 300}),
    [](const auto& each) {
      return std::string(each.param.space == Space::distance ? "Distance" : "Product") +
             std::to_string(each.param.dimensions) + "No" + std::to_string(each.index);
    });

TEST(Quantizer, KeepsAsManyBlocksAsHoldTheEnergy) {
  std::mt19937 random(12);
  std::normal_distribution<float> normal;
  // 300 dimensions, of which the first 60 hold nearly all.
  std::vector<float> sample(400 * 300);
  for (std::size_t at = 0; at < sample.size(); ++at) {
    sample[at] = normal(random) * (at % 300 < 60 ? 1.0F : 0.1F);
  }
  const auto near_all = Quantizer::train(Space::distance, 300, sample, 0.9);
  EXPECT_EQ(near_all->blocks(), 1U);
  EXPECT_EQ(near_all->rest_bytes(), 0U);
  EXPECT_GT(near_all->lost_share(), 0);
  EXPECT_LT(near_all->lost_share(), 0.1);
  const auto all = Quantizer::train(Space::distance, 300, sample, 1);
  EXPECT_EQ(all->blocks(), 3U);
  EXPECT_LT(all->lost_share(), 0.01);
}

TEST(Quantizer, OfManyDimensionsAndFewVectorsTheNearestScoresBest) {
  constexpr std::size_t kMany = 1'024;
  std::mt19937 random(13);
  const std::vector<float> sample = sample_of({Space::distance, kMany, 40}, random);
  const auto quantizer = Quantizer::train(Space::distance, kMany, sample, 0.92);
  Quantizer::Scratch scratch;
  AlignedVector<std::uint8_t> heads(40 * kBlockBytes);
  AlignedVector<std::uint8_t> rests(40 * quantizer->rest_bytes());
  std::vector<Slot> slots(40);
  for (Slot slot = 0; slot < 40; ++slot) {
    slots[slot] = slot;
    quantizer->encode(std::span(sample).subspan(slot * kMany, kMany), scratch,
                      heads.data() + slot * kBlockBytes,
                      rests.data() + slot * quantizer->rest_bytes());
  }
  for (const Slot slot : slots) {
    std::vector<float> scores(40);
    const auto query = quantizer->query(std::span(sample).subspan(slot * kMany, kMany), scratch);
    kernels().score_heads(query, heads.data(), slots.data(), 40, scores.data());
    kernels().add_rests(query, heads.data(), rests.data(), slots.data(), 40, scores.data());
    ASSERT_EQ(std::max_element(scores.begin(), scores.end()) - scores.begin(), slot);
  }
}

// Axes of fewer vectors than dimensions hold all of those. An index that measured its loss by them
// would take each new vector for one that they do not fit, and learn for ever.
TEST(Quantizer, WhatIsLostIsToldByVectorsThatTheAxesWereNotMadeOf) {
  const Shape shape{Space::distance, 1'536, 1'600};
  std::mt19937 random(5);
  const std::vector<float> sample = sample_of(shape, random);
  const auto quantizer = Quantizer::train(shape.space, shape.dimensions, sample, 0.92);
  Quantizer::Scratch scratch;
  AlignedVector<std::uint8_t> head(kBlockBytes);
  AlignedVector<std::uint8_t> rest(quantizer->rest_bytes());
  const std::vector<float> later = sample_of({shape.space, shape.dimensions, 200}, random);
  double lost = 0;
  for (std::size_t first = 0; first < later.size(); first += shape.dimensions) {
    lost += quantizer->encode(std::span(later).subspan(first, shape.dimensions), scratch,
                              head.data(), rest.data());
  }
  EXPECT_NEAR(quantizer->lost_share(), lost / 200, 0.03);
}

TEST(Quantizer, LearnsFromASampleOfOneVectorOrOfEqualOnes) {
  for (const std::size_t rows : {1U, 5U}) {
    const std::vector<float> sample(rows * 20, 0.25F);
    for (const Space space : {Space::distance, Space::product}) {
      const auto quantizer = Quantizer::train(space, 20, sample, 0.92);
      Quantizer::Scratch scratch;
      AlignedVector<std::uint8_t> head(kBlockBytes);
      quantizer->encode(std::span(sample).first(20), scratch, head.data(), nullptr);
      const Slot slot = 0;
      float score = -1;
      kernels().score_heads(quantizer->query(std::span(sample).first(20), scratch), head.data(),
                            &slot, 1, &score);
      EXPECT_NEAR(score, space == Space::distance ? 0 : 1.25, 0.05);
    }
  }
}

TEST(Quantizer, PositionsAreThoseOutsideOfTheTrailer) {
  std::vector<bool> taken(3 * kBlockCoordinates);
  for (std::size_t at = 0; at < 3 * kBlockCoordinates - 2 * kTrailerBytes; ++at) {
    const std::size_t place = Quantizer::position(at);
    ASSERT_LT(place, taken.size());
    ASSERT_FALSE(taken[place]);
    taken[place] = true;
    ASSERT_FALSE(place < kBlockCoordinates && place % kBlockBytes >= kTrailerPlace) << at;
  }
}

}  // namespace
}  // namespace selvedge::ann
