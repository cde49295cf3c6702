// Tests of an index's recall: what is measured, and that queries follow the setting.
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "vectors/fixtures.h"
#include "vectors/rocks_store.h"

namespace selvedge::vectors {
namespace {

constexpr std::size_t kDimensions = 64;

class RecallTest : public testing::Test {
 protected:
  // Of directions at random, which a narrow search finds badly.
  void SetUp() override {
    open();
    ASSERT_TRUE(store_->create("a", "docs", "", {kDimensions, Metric::cosine, ""}).ok());
    index_ = store_->find("a", "docs").value();
  }
  void open() {
    RocksStore::Options options;
    options.near.rows_min = 500;
    options.checkpoints.vectors_min = 500;
    store_ = RocksStore::open(folder_.path(), std::move(options)).value();
  }
  void fill(std::size_t count) {
    std::vector<fixtures::Vector> vectors;
    for (std::size_t at = 0; at < count; ++at) vectors.push_back({std::to_string(at), drawn()});
    ASSERT_TRUE(index_->insert(fixtures::batch_of(vectors)).ok());
    index_->settle();
  }
  std::vector<float> drawn() {
    std::vector<float> values(kDimensions);
    for (float& value : values) value = normal_(random_);
    return values;
  }
  // The answers to the same queries every time.
  std::vector<std::string> answers(std::optional<float> recall) {
    std::vector<std::string> all;
    random_.seed(7);
    normal_.reset();
    for (int query = 0; query < 50; ++query) {
      QueryOptions options;
      options.top_k = 10;
      options.recall = recall;
      for (auto& id : fixtures::ids_of(index_->query(drawn(), options))) all.push_back(id);
    }
    return all;
  }

  fixtures::TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
  std::shared_ptr<Index> index_;
  std::mt19937_64 random_;
  std::normal_distribution<float> normal_;
};

TEST_F(RecallTest, OfASmallIndexNothingIsMeasured) {
  fill(100);
  EXPECT_TRUE(index_->calibration().empty());
  EXPECT_EQ(index_->internals().linked_count, 0U);
}

TEST_F(RecallTest, WiderSearchesAreMeasuredToFindNoLess) {
  fill(2'000);
  const auto points = index_->calibration();
  ASSERT_GT(points.size(), 2U);
  for (std::size_t at = 0; at < points.size(); ++at) {
    EXPECT_GT(points[at].us, 0);
    EXPECT_LE(points[at].recall, 1);
    if (at == 0) continue;
    EXPECT_GT(points[at].width, points[at - 1].width);
    EXPECT_GE(points[at].recall, points[at - 1].recall);
  }
  EXPECT_GT(points.back().us, points.front().us);
  const Internals internals = index_->internals();
  EXPECT_EQ(internals.linked_count, 2'000U);
  EXPECT_GT(internals.codes_bytes, 2'000 * kDimensions / 4);
  EXPECT_GT(internals.graph_bytes, 2'000 * sizeof(std::uint32_t));
}

TEST_F(RecallTest, WhatWasMeasuredIsSavedWithTheGraph) {
  fill(2'000);
  const auto before = index_->calibration();
  ASSERT_FALSE(before.empty());
  index_.reset();
  store_.reset();
  open();
  index_ = store_->find("a", "docs").value();
  const auto after = index_->calibration();
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t at = 0; at < before.size(); ++at) {
    EXPECT_EQ(after[at].width, before[at].width);
    EXPECT_EQ(after[at].recall, before[at].recall);
    EXPECT_EQ(after[at].us, before[at].us);
  }
}

TEST_F(RecallTest, QueriesThatSayNoneFollowTheSetting) {
  fill(2'000);
  const auto few = answers(0);
  const auto all = answers(1);
  ASSERT_NE(few, all) << "the queries tell nothing";
  ASSERT_TRUE(index_->set_recall(0).ok());
  EXPECT_EQ(answers(std::nullopt), few);
  EXPECT_EQ(answers(1), all) << "the query's own counts more";
  ASSERT_TRUE(index_->set_recall(1).ok());
  EXPECT_EQ(answers(std::nullopt), all);
}

}  // namespace
}  // namespace selvedge::vectors
