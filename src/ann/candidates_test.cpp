// Tests of candidates: the best stay, in their order, and each is followed once.
#include "ann/candidates.h"

#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace selvedge::ann {
namespace {

TEST(Candidates, KeepTheBestOfAStreamInTheirOrder) {
  std::mt19937 random(1);
  Candidates candidates;
  for (const std::size_t width : {1U, 2U, 10U, 100U}) {
    candidates.reset(width);
    std::vector<float> all;
    for (Slot slot = 0; slot < 300; ++slot) {
      all.push_back(static_cast<float>(random() % 1'000'000));
      const float worst = candidates.worst();
      const std::size_t place = candidates.offer(all.back(), slot);
      ASSERT_EQ(place == width, !(all.back() > worst));
      if (place < width) {
        ASSERT_EQ(candidates.slot(place), slot);
      }
    }
    ASSERT_TRUE(candidates.full());
    std::sort(all.rbegin(), all.rend());
    for (std::size_t at = 0; at < width; ++at) ASSERT_EQ(candidates.score(at), all[at]);
  }
}

TEST(Candidates, OfEqualOnesTheFirstStays) {
  Candidates candidates;
  candidates.reset(2);
  for (Slot slot = 0; slot < 5; ++slot) candidates.offer(1, slot);
  EXPECT_EQ(candidates.slot(0), 0U);
  EXPECT_EQ(candidates.slot(1), 1U);
}

TEST(Candidates, EveryOneKeptIsFollowedOnceTheBestFirst) {
  std::mt19937 random(2);
  Candidates candidates;
  candidates.reset(20);
  std::set<Slot> followed;
  Slot next = 0;
  for (int each = 0; each < 5; ++each) {
    candidates.offer(static_cast<float>(random() % 1'000), next++);
  }
  for (Slot slot = candidates.follow(); slot != kNoSlot; slot = candidates.follow()) {
    ASSERT_TRUE(followed.insert(slot).second) << slot;
    if (next < 200) candidates.offer(static_cast<float>(random() % 1'000), next++);
    // All before the next one were followed.
    for (std::size_t at = 0; at < candidates.next_at(); ++at) {
      ASSERT_TRUE(followed.contains(candidates.slot(at)));
    }
  }
  for (std::size_t at = 0; at < candidates.size(); ++at) {
    EXPECT_TRUE(followed.contains(candidates.slot(at)));
  }
}

TEST(Candidates, AResetForgetsAllThatWereThere) {
  Candidates candidates;
  candidates.reset(3);
  candidates.offer(5, 1);
  candidates.follow();
  candidates.reset(2);
  EXPECT_EQ(candidates.size(), 0U);
  EXPECT_EQ(candidates.follow(), kNoSlot);
  EXPECT_EQ(candidates.offer(-1e30F, 7), 0U);
  EXPECT_EQ(candidates.follow(), 7U);
}

}  // namespace
}  // namespace selvedge::ann
