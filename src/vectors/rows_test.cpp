// Tests of rows and slots: what snapshots go on seeing, and which slots are given anew.
#include "vectors/rows.h"

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace selvedge::vectors {
namespace {

// Writes as an index does: each batch is a mutation, after which its dead slots are free.
class RowsTest : public testing::Test {
 protected:
  using Content = std::map<std::string, float>;  // All values of a vector are this one.

  void put(const std::string& id, float value) {
    const std::vector<float> values(kDimensions, value);
    rows_.put(id, values, std::nullopt, mutation_ + 1, {});
    content_[id] = value;
  }
  void erase(const std::string& id) {
    rows_.erase(id, mutation_ + 1);
    content_.erase(id);
  }
  std::shared_ptr<const Snapshot> commit() {
    ++mutation_;
    rows_.free(rows_.take_dead());
    return rows_.snapshot({content_.size(), mutation_, 0}, properties_);
  }
  static Content content_of(const Snapshot& snapshot) {
    Content content;
    for (Slot slot = 0; slot < snapshot.slot_end; ++slot) {
      if (!snapshot.sees(slot)) continue;
      const Place place = snapshot.place(slot);
      EXPECT_EQ(place.chunk().first_slot() + place.row, slot);
      const auto values = place.chunk().values(place.row, kDimensions);
      EXPECT_EQ(values.front(), values.back());
      EXPECT_TRUE(content.emplace(place.chunk().id(place.row), values.front()).second);
    }
    return content;
  }

  static constexpr std::size_t kDimensions = 20;
  Rows rows_{kDimensions};
  std::shared_ptr<const Properties> properties_ = std::make_shared<const Properties>();
  MutationNumber mutation_ = 0;
  Content content_;
};

TEST_F(RowsTest, EachSnapshotKeepsItsContentWhileOthersComeAndGo) {
  std::mt19937 random(3);
  std::vector<std::pair<std::shared_ptr<const Snapshot>, Content>> held;
  for (int round = 0; round < 400; ++round) {
    for (int change = 0; change < 20; ++change) {
      const std::string id = std::to_string(random() % 150);
      if (random() % 4 == 0) {
        erase(id);
      } else {
        put(id, static_cast<float>(round * 100 + change));
      }
    }
    held.emplace_back(commit(), content_);
    // Some are kept long, in no order.
    while (held.size() > 12) {
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(random() % held.size()));
    }
    for (const auto& [snapshot, content] : held) ASSERT_EQ(content_of(*snapshot), content);
  }
}

TEST_F(RowsTest, EndlessReplacingTakesNoMoreSlots) {
  std::shared_ptr<const Snapshot> newest;
  for (int round = 0; round < 2'000; ++round) {
    for (int id = 0; id < 30; ++id) put(std::to_string(id), static_cast<float>(round));
    newest = commit();
  }
  EXPECT_LE(rows_.slot_end(), 90U);
  EXPECT_EQ(content_of(*newest), content_);
}

TEST_F(RowsTest, ASlotIsNotGivenAnewWhileASnapshotMaySeeItAndIsAfterwards) {
  put("a", 1);
  auto old = commit();
  for (int round = 2; round < 200; ++round) {
    put("a", static_cast<float>(round));
    commit();
  }
  EXPECT_EQ(content_of(*old), (Content{{"a", 1}}));
  // Only what came after the held one waits for it.
  const std::size_t slots = rows_.slot_end();
  EXPECT_GE(slots, 199U);
  old.reset();
  for (int round = 0; round < 150; ++round) {
    put("a", static_cast<float>(round));
    commit();
  }
  EXPECT_EQ(rows_.slot_end(), slots);
}

TEST_F(RowsTest, ADeadSlotStaysTakenUntilItIsFreed) {
  put("a", 1);
  commit();
  erase("a");
  ++mutation_;
  const std::vector<Slot> dead = rows_.take_dead();
  ASSERT_EQ(dead, std::vector<Slot>{0});
  put("b", 1);
  commit();
  EXPECT_EQ(rows_.slot_end(), 2U);
  // A reader of this snapshot may have met the slot before it was freed.
  auto before = rows_.snapshot({1, mutation_, 0}, properties_);
  rows_.free(dead);
  put("c", 1);
  commit();
  EXPECT_EQ(rows_.slot_end(), 3U);
  before.reset();
  put("d", 1);
  EXPECT_EQ(rows_.slot_of("d"), 0U);
}

TEST_F(RowsTest, AReplacedVectorIsNotedAsRecentOnceForEachTime) {
  rows_.note_recent(true);
  for (int round = 0; round < 3'000; ++round) {
    put("a", static_cast<float>(round));
    if (round % 7 == 0) commit();
  }
  const auto snapshot = commit();
  ASSERT_EQ(snapshot->recent.size(), 3'000U);
  std::size_t living = 0;
  for (std::uint64_t at = snapshot->recent.begin(); at < snapshot->recent.end(); ++at) {
    const SlotLog::Entry entry = snapshot->recent.at(at);
    const Place place = snapshot->place(entry.slot);
    if (!snapshot->sees(entry.slot) || place.chunk().born(place.row) != entry.born) continue;
    ++living;
  }
  EXPECT_EQ(living, 1U);
  rows_.recent().drop_before(2'999);
  EXPECT_EQ(commit()->recent.size(), 1U);
  EXPECT_EQ(snapshot->recent.size(), 3'000U);
  EXPECT_EQ(snapshot->recent.at(5).born, 2U);
}

// Under the thread sanitizer: readers read whatever they see, while slots are given anew.
TEST_F(RowsTest, ReadersOnOtherThreadsSeeWholeRowsWhileSlotsAreGivenAnew) {
  std::mutex mutex;
  for (int id = 0; id < 100; ++id) put(std::to_string(id), 0);
  std::shared_ptr<const Snapshot> shown = commit();
  std::atomic<bool> stop = false;
  std::array<std::atomic<int>, 2> read = {};
  const auto reader = [&](std::size_t number) {
    while (!stop) {
      std::shared_ptr<const Snapshot> mine;
      {
        const std::lock_guard lock(mutex);
        mine = shown;
      }
      const Content content = content_of(*mine);
      EXPECT_EQ(content.size(), 100U);
      // Each mutation replaces one vector by its own number.
      float newest = 0;
      for (const auto& [id, value] : content) newest = std::max(newest, value);
      EXPECT_EQ(newest, static_cast<float>(mine->stats.mutation - 1));
      ++read[number];
    }
  };
  std::thread one(reader, 0);
  std::thread other(reader, 1);
  for (int round = 1; round < 3'000; ++round) {
    put(std::to_string(round % 100), static_cast<float>(round));
    auto next = commit();
    {
      const std::lock_guard lock(mutex);
      shown.swap(next);
    }
    if (round % 20 != 0) continue;
    // Snapshots must go for slots to be given anew: neither reader may sleep on an old one.
    for (std::atomic<int>& each : read) {
      for (const int before = each; each < before + 2;) std::this_thread::yield();
    }
  }
  stop = true;
  one.join();
  other.join();
  EXPECT_LT(rows_.slot_end(), 1'500U);
}

TEST(SlotGridTest, GivesEverySlotOnePlaceAndSmallIndexesSmallChunks) {
  for (const std::size_t row_bytes : {64U, 128U, 3'072U, 6'144U, 16'384U}) {
    const SlotGrid grid(row_bytes);
    EXPECT_EQ(grid.rows_of(0), 64U);
    EXPECT_EQ(grid.rows_of(1), 64U);
    EXPECT_GE(grid.rows_max(), 1'024U);
    std::size_t next = 0;
    for (std::size_t chunk = 0; chunk < 40; ++chunk) {
      EXPECT_EQ(grid.first_slot(chunk), next);
      for (const std::size_t row : {std::size_t{0}, grid.rows_of(chunk) - 1}) {
        const auto slot = static_cast<Slot>(next + row);
        EXPECT_EQ(grid.chunk_of(slot), chunk);
        EXPECT_EQ(grid.row_of(slot), row);
      }
      next += grid.rows_of(chunk);
    }
    EXPECT_EQ(grid.rows_of(1'000), grid.rows_max());
  }
}

TEST(SlotMapTest, FindsWhatAPlainMapFindsAfterAnyInsertsAndErases) {
  std::map<std::string, Slot> model;
  std::map<Slot, std::string> ids;
  SlotMap slots;
  const auto id_of = [&ids](Slot slot) -> const std::string& { return ids.at(slot); };
  std::mt19937 random(5);
  Slot next = 0;
  for (int round = 0; round < 50'000; ++round) {
    const std::string id = "id " + std::to_string(random() % 3'000);
    const auto known = model.find(id);
    ASSERT_EQ(slots.find(id, id_of), known == model.end() ? kNoSlot : known->second);
    if (known == model.end()) {
      ids[next] = id;
      slots.insert(id, next);
      model[id] = next++;
    } else if (random() % 2 == 0) {
      slots.erase(id, known->second);
      model.erase(known);
    }
    ASSERT_EQ(slots.size(), model.size());
  }
}

}  // namespace
}  // namespace selvedge::vectors
