// Tests of visited: what is new in this search, over more searches than a byte counts.
#include "ann/visited.h"

#include <vector>

#include <gtest/gtest.h>

namespace selvedge::ann {
namespace {

TEST(Visited, LeavesTheNewOnesInTheirOrder) {
  Visited visited;
  visited.reset(100);
  visited.add(7);
  Slot slots[] = {9, 7, 3, 9, 99, 0};
  ASSERT_EQ(visited.add_all(slots, 6), 4U);
  EXPECT_EQ(std::vector<Slot>(slots, slots + 4), (std::vector<Slot>{9, 3, 99, 0}));
  Slot again[] = {0, 1, 3};
  ASSERT_EQ(visited.add_all(again, 3), 1U);
  EXPECT_EQ(again[0], 1U);
}

TEST(Visited, NoSearchKnowsWhatAnEarlierOneSaw) {
  Visited visited;
  for (Slot search = 0; search < 1'000; ++search) {
    visited.reset(1'000);
    // One slot is seen now and never again: its mark must not come to count 256 searches later.
    Slot own[] = {search, 1'000 - 1 - search % 2};
    ASSERT_EQ(visited.add_all(own, 2), 2U) << search;
  }
  visited.reset(1'000);
  std::vector<Slot> all(1'000);
  for (Slot slot = 0; slot < 1'000; ++slot) all[slot] = slot;
  EXPECT_EQ(visited.add_all(all.data(), all.size()), 1'000U);
}

TEST(Visited, GrowsBetweenSearches) {
  Visited visited;
  for (std::size_t capacity = 1; capacity < 5'000; capacity += capacity / 3 + 1) {
    visited.reset(capacity);
    Slot last[] = {static_cast<Slot>(capacity - 1), static_cast<Slot>(capacity - 1)};
    ASSERT_EQ(visited.add_all(last, 2), 1U);
  }
}

// A graph grows while a search is under way, which may come by slots that were not there when it
// began.
TEST(Visited, SlotsBeyondTheCapacityTouchNoForeignMemory) {
  Visited visited;
  visited.reset(8);
  visited.reset(10);  // As many as there is room for.
  Slot beyond[] = {10, 11, 4'000'000'000U, 3};
  const std::size_t kept = visited.add_all(beyond, 4);
  EXPECT_LE(kept, 4U);
  EXPECT_EQ(beyond[kept - 1], 3U);
  visited.add(4'000'000'000U);
  Slot known[] = {3};
  EXPECT_EQ(visited.add_all(known, 1), 0U);
}

}  // namespace
}  // namespace selvedge::ann
