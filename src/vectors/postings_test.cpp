// Tests of postings and slot sets: every range and every choice of values against plain sets.
#include "vectors/postings.h"

#include <numeric>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace selvedge::vectors {
namespace {

using Slots = std::vector<std::uint32_t>;

struct Plain {
  std::vector<Slots> by_value;

  Slots of(ValueRange range) const {
    std::set<std::uint32_t> slots;
    for (std::size_t value = range.first; value < range.last; ++value) {
      slots.insert(by_value[value].begin(), by_value[value].end());
    }
    return {slots.begin(), slots.end()};
  }
  Postings postings(std::size_t cut_count) const {
    std::vector<std::uint32_t> starts;
    Slots slots;
    for (const Slots& each : by_value) {
      starts.push_back(static_cast<std::uint32_t>(slots.size()));
      slots.insert(slots.end(), each.begin(), each.end());
    }
    starts.push_back(static_cast<std::uint32_t>(slots.size()));
    return {std::move(starts), std::move(slots), cut_count};
  }
};

// `slots` different slots below `end`, over `values` values; `skewed`: the first have most.
Plain spread(std::mt19937& random, std::size_t slots, std::uint32_t end, std::size_t values,
             bool skewed) {
  Slots all(end);
  std::iota(all.begin(), all.end(), 0U);
  std::shuffle(all.begin(), all.end(), random);
  Plain plain;
  plain.by_value.resize(values);
  for (std::size_t at = 0; at < slots; ++at) {
    std::size_t value = random() % values;
    if (skewed) value = random() % (value + 1);
    plain.by_value[value].push_back(all[at]);
  }
  for (Slots& each : plain.by_value) std::sort(each.begin(), each.end());
  return plain;
}

TEST(Postings, EveryRangeIsTheUnionOfItsValues) {
  std::mt19937 random(5);
  for (const bool skewed : {false, true}) {
    for (const std::size_t values : {1U, 5U, 300U, 20'000U}) {
      const Plain plain = spread(random, 30'000, 200'000, values, skewed);
      for (const std::size_t cut_count : {0U, 1U, 16U, 128U}) {
        const Postings postings = plain.postings(cut_count);
        ASSERT_EQ(postings.value_count(), values);
        for (int round = 0; round < 12; ++round) {
          std::size_t first = random() % (values + 1);
          std::size_t last = random() % (values + 1);
          if (round == 0) first = 0, last = values;
          if (round % 3 == 1) last = std::min(values, first + 1);
          const ValueRange range{first, last};
          const SlotSet set = postings.range(range);
          const Slots wanted = plain.of(range);
          ASSERT_EQ(set.to_vector(), wanted) << values << ' ' << cut_count << ' ' << first;
          ASSERT_EQ(set.size(), wanted.size());
        }
      }
    }
  }
}

TEST(Postings, AnyOfSomeValuesMayShareSlots) {
  std::mt19937 random(6);
  Plain plain = spread(random, 20'000, 100'000, 40, true);
  for (std::size_t value = 1; value < 40; value += 2) {
    Slots& slots = plain.by_value[value];
    const Slots& shared = plain.by_value[value - 1];
    slots.insert(slots.end(), shared.begin(), shared.end());
    std::sort(slots.begin(), slots.end());
  }
  const Postings postings = plain.postings(0);
  for (int round = 0; round < 40; ++round) {
    std::vector<std::size_t> chosen;
    std::set<std::uint32_t> wanted;
    for (std::size_t value = 0; value < 40; ++value) {
      if (random() % 40 > static_cast<unsigned>(round)) continue;
      chosen.push_back(value);
      wanted.insert(plain.by_value[value].begin(), plain.by_value[value].end());
    }
    EXPECT_EQ(postings.any_of(chosen).to_vector(), Slots(wanted.begin(), wanted.end()));
  }
}

TEST(Postings, WithoutValuesThereIsNothing) {
  EXPECT_EQ(Postings().value_count(), 0U);
  EXPECT_TRUE(Postings().range({0, 0}).empty());
  EXPECT_EQ(Postings().ready(0), nullptr);
  const Postings none({0}, {}, 16);
  EXPECT_EQ(none.value_count(), 0U);
  EXPECT_TRUE(none.range({0, 0}).empty());
  EXPECT_TRUE(none.any_of({}).empty());
}

TEST(SlotSet, SlotsAreSortedWhateverTheirSize) {
  std::mt19937 random(7);
  for (const std::size_t count : {0U, 1U, 200U, 300U, 5'000U}) {
    for (const std::uint32_t mask : {0xFFU, 0xFFFFFU, 0xFFFFFFFFU}) {
      Slots slots(count);
      for (auto& slot : slots) slot = static_cast<std::uint32_t>(random()) & mask;
      Slots wanted = slots;
      std::sort(wanted.begin(), wanted.end());
      sort_slots(slots);
      EXPECT_EQ(slots, wanted);
    }
  }
}

TEST(SlotSet, CombinesLikeAPlainSet) {
  const SlotSet a = SlotSet::of(Slots{1, 2, 3, 70'000, 4'000'000'000});
  const SlotSet b = SlotSet::of(Slots{2, 3, 5, 4'000'000'000});
  EXPECT_EQ(SlotSet::both(a, b).to_vector(), (Slots{2, 3, 4'000'000'000}));
  EXPECT_EQ(SlotSet::without(a, b).to_vector(), (Slots{1, 70'000}));
  SlotSet c = a.copy();
  c.add(b);
  EXPECT_EQ(c.to_vector(), (Slots{1, 2, 3, 5, 70'000, 4'000'000'000}));
  c.remove(Slots{5, 9, 1});
  c.add(Slots{8, 8, 4});
  EXPECT_EQ(c.to_vector(), (Slots{2, 3, 4, 8, 70'000, 4'000'000'000}));
  const std::vector<const SlotSet*> both = {&a, &b};
  EXPECT_EQ(SlotSet::any(both).to_vector(), (Slots{1, 2, 3, 5, 70'000, 4'000'000'000}));
  EXPECT_TRUE(SlotSet::any({}).empty());
  EXPECT_EQ(a.size(), 5U);
  EXPECT_TRUE(a.contains(70'000));
  EXPECT_FALSE(a.contains(70'001));
}

}  // namespace
}  // namespace selvedge::vectors
