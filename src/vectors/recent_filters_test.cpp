// Tests of recent filters: what is found again, and what is forgotten for it.
#include "vectors/recent_filters.h"

#include <numeric>
#include <thread>

#include <gtest/gtest.h>

namespace selvedge::vectors {
namespace {

std::shared_ptr<const ListedSlots> listed(std::size_t count) {
  std::vector<std::uint32_t> slots(count);
  std::iota(slots.begin(), slots.end(), 0U);
  return std::make_shared<const ListedSlots>(SlotSet::of(slots));
}

TEST(RecentFilters, GiveWhatWasKept) {
  RecentFilters recent(1 << 20);
  EXPECT_EQ(recent.find("a"), nullptr);
  EXPECT_EQ(recent.bytes(), 0U);
  const auto slots = listed(100);
  recent.keep("a", slots);
  EXPECT_EQ(recent.find("a"), slots);
  EXPECT_EQ(recent.find("b"), nullptr);
  EXPECT_GE(recent.bytes(), 100 * sizeof(std::uint32_t));
}

TEST(RecentFilters, OfTwoThatCameAtOnceTheFirstStays) {
  RecentFilters recent(1 << 20);
  const auto slots = listed(100);
  recent.keep("a", slots);
  const std::size_t bytes = recent.bytes();
  recent.keep("a", listed(100));
  EXPECT_EQ(recent.find("a"), slots);
  EXPECT_EQ(recent.bytes(), bytes);
}

TEST(RecentFilters, ForgetWhatWasAskedForLongestAgo) {
  RecentFilters recent(1 << 20);
  for (std::size_t at = 0; at < RecentFilters::kMost; ++at) {
    recent.keep(std::to_string(at), listed(10));
  }
  EXPECT_NE(recent.find("0"), nullptr);
  recent.keep("one more", listed(10));
  EXPECT_NE(recent.find("0"), nullptr);
  EXPECT_EQ(recent.find("1"), nullptr);
  EXPECT_NE(recent.find("2"), nullptr);
  EXPECT_NE(recent.find("one more"), nullptr);
}

TEST(RecentFilters, StayWithinTheirBytes) {
  constexpr std::size_t kBytes = 100'000;
  RecentFilters recent(kBytes);
  recent.keep("too large", listed(kBytes / 4));
  EXPECT_EQ(recent.find("too large"), nullptr);
  EXPECT_EQ(recent.bytes(), 0U);
  for (std::size_t at = 0; at < 10; ++at) {
    recent.keep(std::to_string(at), listed(10'000));
    EXPECT_LE(recent.bytes(), kBytes);
  }
  EXPECT_EQ(recent.find("7"), nullptr);
  EXPECT_NE(recent.find("8"), nullptr);
  EXPECT_NE(recent.find("9"), nullptr);
  recent.keep("large", listed(kBytes / 5));
  EXPECT_NE(recent.find("large"), nullptr);
  EXPECT_EQ(recent.find("9"), nullptr);
}

TEST(RecentFilters, SlotsAreMadeOnceForAllWhoAsk) {
  const auto slots = listed(10'000);
  const std::uint32_t* seen[2] = {nullptr, nullptr};
  std::thread other([&] { seen[1] = slots->slots().data(); });
  seen[0] = slots->slots().data();
  other.join();
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_EQ(slots->slots().size(), 10'000U);
  EXPECT_EQ(slots->slots()[9'999], 9'999U);
}

}  // namespace
}  // namespace selvedge::vectors
