// Tests of saved graphs: an index opens with its graph, whatever was written meanwhile, and without
// one where a section of it is damaged.
#include <algorithm>
#include <atomic>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "vectors/byte_reader.h"
#include "vectors/fixtures.h"
#include "vectors/rocks_store.h"

namespace selvedge::vectors {
namespace {

namespace fs = std::filesystem;
using fixtures::batch_of;
using fixtures::ids_of;

class SavedGraphTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kDimensions = 256;

  static RocksStore::Options options(std::size_t rows_min = 200) {
    RocksStore::Options options;
    options.near = {rows_min, 64, 16, 50};
    options.checkpoints.vectors_min = 20;
    options.checkpoints.changes_min = 20;
    options.checkpoints.changes_at_rest_min = 1;
    options.upkeep_pause = std::chrono::hours(1);  // Only when a test settles or closes.
    return options;
  }
  static RocksStore::Options not_saved_at_close(std::size_t rows_min = 200) {
    auto made = options(rows_min);
    made.checkpoints.changes_at_rest_min = 1'000'000;
    return made;
  }
  // So many rows that a graph is never begun: what there is comes from the file.
  static constexpr std::size_t kNoNewGraph = 1'000'000;

  void open(RocksStore::Options opened) { open(folder_.path(), std::move(opened)); }
  void open(const fs::path& folder, RocksStore::Options opened) {
    index_.reset();
    store_.reset();
    auto store = RocksStore::open(folder, std::move(opened));
    ASSERT_TRUE(store.ok()) << store.error().message;
    store_ = std::move(store).value();
    if (store_->list("a").empty()) {
      ASSERT_TRUE(store_->create("a", "docs", "", {kDimensions, Metric::cosine, ""}).ok());
    }
    index_ = store_->find("a", "docs").value();
  }
  void close() {
    index_.reset();
    store_.reset();
  }
  std::vector<float> random_values() {
    // Wide enough that codes have rests, and not so wide that nothing is near to anything.
    std::vector<float> values(kDimensions);
    for (std::size_t at = 0; at < values.size(); ++at) {
      values[at] = normal_(random_) * (at < 8 ? 2.0F : 0.25F);
    }
    return values;
  }
  void upsert(int count, unsigned ids = 2'000) {
    std::vector<fixtures::Vector> vectors;
    for (int at = 0; at < count; ++at) {
      // Some are zero: the graph keeps them apart.
      auto values = random_() % 100 == 0 ? std::vector<float>(kDimensions) : random_values();
      vectors.push_back({"id-" + std::to_string(random_() % ids), std::move(values)});
    }
    ASSERT_TRUE(index_->upsert(batch_of(vectors)).ok());
    for (const auto& each : vectors) model_[each.id] = each.values;
  }
  void erase(int count, unsigned ids = 2'000) {
    std::vector<std::string> gone;
    for (int at = 0; at < count; ++at) gone.push_back("id-" + std::to_string(random_() % ids));
    ASSERT_TRUE(index_->erase(gone).ok());
    for (const auto& id : gone) model_.erase(id);
  }

  // The exact answers are those of the model, and those of the graph are nearly the same.
  void expect_right(const std::string& what) {
    ASSERT_EQ(index_->stats().vector_count, model_.size()) << what;
    std::size_t found = 0;
    constexpr std::size_t kTop = 10;
    constexpr std::size_t kAsked = 40;
    for (std::size_t asked = 0; asked < kAsked; ++asked) {
      const auto query = random_values();
      const auto truth = index_->query(query, {.top_k = kTop, .with_values = true, .recall = 1.0F});
      ASSERT_TRUE(truth.ok()) << truth.error().message;
      const auto near = index_->query(query, {.top_k = kTop, .with_values = true, .recall = 0.99F});
      ASSERT_TRUE(near.ok()) << near.error().message;
      std::set<std::string> exact;
      for (const Match& match : *truth) {
        ASSERT_EQ(match.values, model_.at(match.id)) << what;
        exact.insert(match.id);
      }
      std::set<std::string> seen;
      for (const Match& match : *near) {
        ASSERT_TRUE(model_.contains(match.id)) << what << ": " << match.id;
        ASSERT_EQ(match.values, model_.at(match.id)) << what;
        ASSERT_TRUE(seen.insert(match.id).second) << what << ": " << match.id << " twice";
        found += exact.count(match.id);
      }
      ASSERT_EQ(near->size(), kTop) << what;
    }
    EXPECT_GE(static_cast<double>(found) / (kTop * kAsked), 0.95) << what;
  }
  bool from_checkpoint() const { return index_->internals().mapped_bytes > 0; }

  fixtures::TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
  std::shared_ptr<Index> index_;
  std::map<std::string, std::vector<float>> model_;
  std::mt19937 random_{29};
  std::normal_distribution<float> normal_;
};

TEST_F(SavedGraphTest, AnIndexOpensWithItsGraphAndLinksNothingAgain) {
  open(options());
  upsert(1'500);
  index_->settle();
  const Internals before = index_->internals();
  ASSERT_GT(before.linked_count, 900U);
  ASSERT_EQ(before.recent_count, 0U);
  open(options(kNoNewGraph));
  const Internals after = index_->internals();
  EXPECT_EQ(after.linked_count, before.linked_count);
  EXPECT_EQ(after.recent_count, 0U);
  EXPECT_EQ(after.graph_bytes, before.graph_bytes);
  EXPECT_EQ(after.codes_bytes, before.codes_bytes);
  expect_right("opened");
  index_->settle();
  EXPECT_EQ(index_->internals().linked_count, before.linked_count);
}

TEST_F(SavedGraphTest, AGraphThatWasLinkedSinceTheLastWriteIsSavedAtClose) {
  auto at_first = options(kNoNewGraph);
  open(at_first);
  upsert(1'000);
  index_->settle();
  open(options());  // Nothing is written from here on.
  ASSERT_TRUE(from_checkpoint());
  index_->settle();
  const auto linked = index_->internals().linked_count;
  ASSERT_GT(linked, 700U);
  open(options(kNoNewGraph));
  EXPECT_EQ(index_->internals().linked_count, linked);
}

TEST_F(SavedGraphTest, WhatWasWrittenSinceIsRecentAndWhatWasErasedIsNeverFound) {
  open(not_saved_at_close());
  upsert(1'200);
  index_->settle();
  const auto linked = index_->internals().linked_count;
  for (int round = 0; round < 5; ++round) {
    const std::string what = "round " + std::to_string(round);
    upsert(40);
    erase(30);
    open(not_saved_at_close(kNoNewGraph));
    ASSERT_TRUE(from_checkpoint());
    EXPECT_GT(index_->internals().linked_count, linked * 8 / 10) << what;
    expect_right(what);
    upsert(20);
    expect_right(what + ", written");
    if (round % 2 == 0) index_->settle();
    EXPECT_LE(index_->internals().linked_count + index_->internals().recent_count,
              model_.size() + index_->internals().dead_count + 100)
        << what;
    expect_right(what + ", settled or not");
  }
}

TEST_F(SavedGraphTest, SlotsStayFewWhileAnIndexIsWrittenAndOpenedAgainAndAgain) {
  open(options());
  upsert(800, 700);
  std::uint64_t slots = 0;
  for (int round = 0; round < 24; ++round) {
    upsert(60, 700);
    erase(40, 700);
    if (round % 2 == 0) index_->settle();
    if (round % 3 == 0) open(round % 2 == 0 ? not_saved_at_close() : options());
    const std::uint64_t now = model_.size() + index_->internals().dead_count;
    if (round == 8) slots = now;
    if (round > 8) {
      EXPECT_LE(now, slots + 300) << round;
    }
  }
  index_->settle();
  expect_right("in the end");
  EXPECT_EQ(index_->internals().recent_count, 0U);
}

// Slots that are linked, taken out and given anew between the rows' moment and the graph's.
TEST_F(SavedGraphTest, AGraphThatChangesWhileACheckpointIsWrittenFitsItsRows) {
  auto opened = not_saved_at_close();
  open(opened);
  upsert(1'000, 900);
  index_->settle();
  for (int round = 0; round < 6; ++round) {
    std::atomic<bool> stop = false;
    std::thread saver([&] {
      do {
        index_->settle();
      } while (!stop);
    });
    for (int part = 0; part < 15; ++part) {
      upsert(30, 900);
      erase(15, 900);
    }
    stop = true;
    saver.join();
    open(opened);
    EXPECT_TRUE(from_checkpoint());
    EXPECT_GT(index_->internals().linked_count, 0U);
    ASSERT_NO_FATAL_FAILURE(expect_right("round " + std::to_string(round)));
  }
}

// Offset and length of the sections whose names begin with "graph-".
std::map<std::string, std::pair<std::size_t, std::size_t>> graph_sections(const std::string& file) {
  std::map<std::string, std::pair<std::size_t, std::size_t>> found;
  ByteReader head(std::string_view(file).substr(12));
  auto left = head.number<std::uint32_t>();
  head.take(32);
  ByteReader table(std::string_view(file).substr(head.number<std::uint64_t>()));
  for (; left > 0; --left) {
    const std::string name(table.text());
    const auto offset = table.number<std::uint64_t>();
    const auto bytes = table.number<std::uint64_t>();
    table.take((bytes + kChecksumBlockBytes - 1) / kChecksumBlockBytes * 8);
    if (name.starts_with(kCopiedSections)) found[name] = {offset, bytes};
  }
  EXPECT_TRUE(table.whole());
  return found;
}

TEST_F(SavedGraphTest, ADamagedSectionCostsTheGraphAloneWhichIsBuiltAnew) {
  open(options());
  upsert(800);
  erase(100);
  index_->settle();
  const auto linked = index_->internals().linked_count;
  close();
  std::string name;
  for (const auto& entry : fs::directory_iterator(folder_.path() / "derived" / "1")) {
    const std::string each = entry.path().filename().string();
    if (each.starts_with("index-")) name = each;
  }
  std::ifstream file(folder_.path() / "derived" / "1" / name, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const auto sections = graph_sections(bytes);
  ASSERT_EQ(sections.size(), 6U);
  for (const auto& [section, place] : sections) {
    ASSERT_GT(place.second, 0U) << section;
    for (const std::size_t at : {std::size_t{0}, place.second / 2, place.second - 1}) {
      const std::string what = section + " flipped at " + std::to_string(at);
      const fixtures::TemporaryFolder copy;
      fs::copy(folder_.path(), copy.path(), fs::copy_options::recursive);
      std::string flipped = bytes;
      flipped[place.first + at] = static_cast<char>(flipped[place.first + at] ^ 0x10);
      std::ofstream(copy.path() / "derived" / "1" / name, std::ios::binary) << flipped;
      open(copy.path(), options(kNoNewGraph));
      EXPECT_TRUE(from_checkpoint()) << what;
      EXPECT_EQ(index_->internals().linked_count, 0U) << what;
      expect_right(what);
      if (at == place.second / 2) {
        open(copy.path(), options());
        index_->settle();
        EXPECT_EQ(index_->internals().recent_count, 0U) << what;
        EXPECT_GE(index_->internals().linked_count, linked - 100) << what;
        expect_right(what + ", built anew");
        open(copy.path(), options(kNoNewGraph));
        EXPECT_GE(index_->internals().linked_count, linked - 100) << what;
      }
      close();
    }
  }
}

}  // namespace
}  // namespace selvedge::vectors
