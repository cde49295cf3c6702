// Tests of the kernels: every variant of this processor against sums written out plainly.
#include "ann/kernels.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "ann/aligned_vector.h"
#include "ann/kernel_variants.h"

namespace selvedge::ann {
namespace {

constexpr std::size_t kSlots = 71;

enum class Fill { random, least, most };

// Codes of kSlots slots and a query. The trailer's coordinates are zero in the query, as always.
struct Sample {
  std::size_t blocks;
  AlignedVector<std::uint8_t> heads;
  AlignedVector<std::uint8_t> rests;
  AlignedVector<std::int8_t> values;
  CodeQuery query;
};

Sample sample(std::size_t blocks, Fill fill, std::mt19937& random) {
  Sample made{blocks,
              AlignedVector<std::uint8_t>(kSlots * kBlockBytes),
              AlignedVector<std::uint8_t>(kSlots * (blocks - 1) * kBlockBytes),
              AlignedVector<std::int8_t>(blocks * kBlockCoordinates),
              {}};
  const auto byte = [&](int least, int most) {
    const int any = std::uniform_int_distribution<int>(least, most)(random);
    return fill == Fill::random ? any : fill == Fill::least ? least : most;
  };
  for (auto& each : made.heads) each = static_cast<std::uint8_t>(byte(0, 255));
  for (auto& each : made.rests)
    each = static_cast<std::uint8_t>(fill == Fill::random ? byte(0, 255) : 255);
  for (auto& each : made.values) each = static_cast<std::int8_t>(byte(-128, 127));
  for (std::size_t at = kTrailerPlace; at < kBlockBytes; ++at) {
    made.values[at] = made.values[kBlockBytes + at] = 0;
  }
  std::uniform_real_distribution<float> real(0.1F, 2.0F);
  for (std::size_t slot = 0; slot < kSlots; ++slot) {
    // Without a rest there is nothing to multiply.
    const Trailer end{real(random), real(random), blocks > 1 ? real(random) : 0};
    std::memcpy(made.heads.data() + slot * kBlockBytes + kTrailerPlace, &end, sizeof end);
  }
  made.query = {
      made.values.data(), blocks, real(random), real(random), real(random), real(random), 1, 0};
  return made;
}

std::int64_t plain_dot(const std::int8_t* values, const std::uint8_t* block) {
  std::int64_t sum = 0;
  for (std::size_t at = 0; at < kBlockBytes; ++at) {
    sum += values[at] * (block[at] & 15) + values[kBlockBytes + at] * (block[at] >> 4);
  }
  return sum;
}

struct Scores {
  double head = 0;
  double all = 0;
  double magnitude = 0;  // Of the terms: rounding is relative to it.
};

Scores plain_scores(const Sample& given, Slot slot) {
  const CodeQuery& query = given.query;
  const std::uint8_t* head = given.heads.data() + slot * kBlockBytes;
  const Trailer end = trailer(head);
  const auto head_dot = static_cast<double>(plain_dot(query.values, head));
  double rest_dot = 0;
  for (std::size_t block = 1; block < given.blocks; ++block) {
    const std::size_t at = (slot * (given.blocks - 1) + block - 1) * kBlockBytes;
    rest_dot += static_cast<double>(
        plain_dot(query.values + block * kBlockCoordinates, given.rests.data() + at));
  }
  Scores scores;
  scores.head = end.factor * (query.scale * head_dot - query.shift) - query.weight * end.bias;
  scores.all = scores.head;
  if (given.blocks > 1) {
    scores.all += end.rest_factor * (query.rest_scale * rest_dot - query.rest_shift);
  }
  scores.magnitude = std::abs(scores.head) + std::abs(scores.all) + std::abs(head_dot) + 10;
  return scores;
}

class KernelsOf : public testing::TestWithParam<const Kernels*> {};

TEST_P(KernelsOf, ScoreEveryNumberOfSlotsOfEveryNumberOfBlocks) {
  std::mt19937 random(3);
  for (std::size_t blocks = 1; blocks <= 9; ++blocks) {
    for (const Fill fill : {Fill::random, Fill::least, Fill::most}) {
      const Sample given = sample(blocks, fill, random);
      for (std::size_t count = 0; count <= 70; ++count) {
        std::vector<Slot> slots(count);
        for (Slot& slot : slots) slot = static_cast<Slot>(random() % kSlots);
        std::vector<float> scores(count + 1, -7);
        GetParam()->score_heads(given.query, given.heads.data(), slots.data(), count,
                                scores.data());
        const std::vector<float> heads = scores;
        GetParam()->add_rests(given.query, given.heads.data(), given.rests.data(), slots.data(),
                              count, scores.data());
        for (std::size_t at = 0; at < count; ++at) {
          const Scores right = plain_scores(given, slots[at]);
          ASSERT_NEAR(heads[at], right.head, 1e-6 * right.magnitude) << blocks << " " << count;
          ASSERT_NEAR(scores[at], right.all, 1e-6 * right.magnitude) << blocks << " " << count;
        }
        ASSERT_EQ(scores[count], -7) << "Written behind the end";
      }
    }
  }
}

TEST_P(KernelsOf, KeepsWhatIsGoodEnoughInItsOrder) {
  std::mt19937 random(6);
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float least : {-kInfinity, 0.0F, 50.0F, 99.0F, kInfinity}) {
    for (std::size_t count = 0; count <= 70; ++count) {
      std::vector<Slot> slots(count + 1, 7);
      std::vector<float> scores(count + 1, -7);
      std::vector<Slot> right_slots;
      std::vector<float> right_scores;
      for (std::size_t at = 0; at < count; ++at) {
        slots[at] = static_cast<Slot>(random());
        scores[at] = random() % 9 == 0 ? kNan : static_cast<float>(random() % 100);
        if (!(scores[at] >= least)) continue;
        right_slots.push_back(slots[at]);
        right_scores.push_back(scores[at]);
      }
      // Into others, and in place.
      std::vector<Slot> others(count + 1, 7);
      std::vector<float> same = scores;
      for (const bool in_place : {false, true}) {
        std::vector<Slot>& kept = in_place ? slots : others;
        std::vector<float>& left = in_place ? same : scores;
        ASSERT_EQ(GetParam()->keep(least, count, slots.data(), kept.data(), left.data()),
                  right_slots.size());
        EXPECT_EQ(kept[count], 7U) << "Written behind the end";
        EXPECT_EQ(left[count], -7) << "Written behind the end";
        kept.resize(right_slots.size());
        left.resize(right_slots.size());
        ASSERT_EQ(kept, right_slots) << count;
        ASSERT_EQ(left, right_scores) << count;
      }
    }
  }
}

TEST_P(KernelsOf, DotsAreTheSameIntegersAlsoOfTheLargestBytes) {
  std::mt19937 random(4);
  for (std::size_t blocks = 1; blocks <= 9; ++blocks) {
    const std::size_t bytes = blocks * kBlockBytes;
    const std::size_t stride = bytes + (blocks % 2) * kBlockBytes;
    for (const Fill fill : {Fill::random, Fill::least, Fill::most}) {
      AlignedVector<std::uint8_t> a(bytes);
      AlignedVector<std::int8_t> rows(kSlots * stride);
      for (auto& each : a) each = fill == Fill::random ? static_cast<std::uint8_t>(random()) : 255;
      for (auto& each : rows) {
        each = fill == Fill::random  ? static_cast<std::int8_t>(random())
               : fill == Fill::least ? std::int8_t{-128}
                                     : std::int8_t{127};
      }
      std::vector<std::int32_t> right(kSlots, 0);
      for (std::size_t row = 0; row < kSlots; ++row) {
        for (std::size_t at = 0; at < bytes; ++at) right[row] += a[at] * rows[row * stride + at];
      }
      for (std::size_t count = 0; count <= 70; ++count) {
        std::vector<std::uint32_t> chosen(count);
        for (auto& each : chosen) each = static_cast<std::uint32_t>(random() % kSlots);
        std::vector<std::int32_t> dots(count + 1, -7);
        GetParam()->dot(a.data(), rows.data(), stride, bytes, nullptr, count, dots.data());
        for (std::size_t at = 0; at < count; ++at) ASSERT_EQ(dots[at], right[at]) << blocks;
        GetParam()->dot(a.data(), rows.data(), stride, bytes, chosen.data(), count, dots.data());
        for (std::size_t at = 0; at < count; ++at) ASSERT_EQ(dots[at], right[chosen[at]]);
        ASSERT_EQ(dots[count], -7) << "Written behind the end";
      }
    }
  }
}

TEST_P(KernelsOf, UnpackGivesEveryHalfAndNothingOfTheTrailer) {
  std::mt19937 random(5);
  for (std::size_t blocks = 1; blocks <= 9; ++blocks) {
    for (const Fill fill : {Fill::random, Fill::least, Fill::most}) {
      const Sample given = sample(blocks, fill, random);
      AlignedVector<std::uint8_t> levels(blocks * kBlockCoordinates, 77);
      AlignedVector<std::int8_t> moved(blocks * kBlockCoordinates, 77);
      std::int32_t sums[2] = {-1, -1};
      GetParam()->unpack(given.heads.data(), given.rests.data(), blocks, levels.data(),
                         moved.data(), sums);
      std::int32_t right[2] = {0, 0};
      for (std::size_t at = 0; at < levels.size(); ++at) {
        const std::size_t block = at / kBlockCoordinates;
        const std::size_t place = at % kBlockBytes;
        const std::uint8_t byte = block_of(given.heads.data(), given.rests.data(), block)[place];
        const int half = at % kBlockCoordinates < kBlockBytes ? byte & 15 : byte >> 4;
        const bool counts = block > 0 || place < kTrailerPlace;
        ASSERT_EQ(levels[at], counts ? half : 0) << at;
        ASSERT_EQ(moved[at], counts ? half - 8 : 0) << at;
        if (counts) right[block == 0 ? 0 : 1] += half;
      }
      EXPECT_EQ(sums[0], right[0]);
      EXPECT_EQ(sums[1], right[1]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryVariant, KernelsOf,
                         testing::ValuesIn(all_kernels().begin(), all_kernels().end()),
                         [](const auto& each) {
                           std::string name(each.param->name);
                           std::erase(name, '-');
                           return name;
                         });

TEST(Kernels, TheBestIsTheFirstAndThePortableOneTheLast) {
  ASSERT_FALSE(all_kernels().empty());
  EXPECT_EQ(&kernels(), all_kernels().front());
  EXPECT_EQ(all_kernels().back(), portable_kernels());
}

}  // namespace
}  // namespace selvedge::ann
