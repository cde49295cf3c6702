// Tests of delayed writes: who sees what, and when, by a clock that the tests turn.
#include "vectors/published.h"

#include <thread>

#include <gtest/gtest.h>

#include "base/limits.h"
#include "vectors/fixtures.h"
#include "vectors/rocks_store.h"

namespace selvedge::vectors {
namespace {

using fixtures::batch_of;
using fixtures::ids_of;
using Ids = std::vector<std::string>;
using std::chrono::seconds;

class PublishedTest : public testing::Test {
 protected:
  void open(Delay write_delay) {
    index_.reset();
    store_.reset();
    RocksStore::Options options;
    options.reader = fixtures::read_pairs;
    options.write_delay = write_delay;
    options.steady_us = [this] { return now_us_.load(); };
    auto store = RocksStore::open(folder_.path(), std::move(options));
    ASSERT_TRUE(store.ok()) << store.error().message;
    store_ = std::move(store).value();
    if (store_->list("a").empty()) {
      ASSERT_TRUE(store_->create("a", "docs", "", {2, Metric::cosine, ""}).ok());
    }
    index_ = store_->find("a", "docs").value();
  }
  void pass(std::chrono::microseconds time) { now_us_ += time.count(); }
  Ids found(QueryOptions options = {.top_k = 50}) const {
    return ids_of(index_->query(std::vector<float>{1, 0}, options));
  }
  std::string metadata_of(const std::string& id) const {
    const auto stored = index_->get(Ids{id}).value();
    return stored.empty() ? "none" : stored[0].metadata;
  }

  fixtures::TemporaryFolder folder_;
  std::atomic<std::int64_t> now_us_ = 0;
  std::unique_ptr<Store> store_;
  std::shared_ptr<Index> index_;
};

TEST_F(PublishedTest, EveryReadShowsTheStateBeforeAWriteUntilItsDelayIsOver) {
  open(seconds(30));
  ASSERT_EQ(index_->upsert(batch_of({{"a", {1, 0}, "old=1"}})).value(), 1U);
  EXPECT_EQ(found(), Ids{});
  EXPECT_EQ(metadata_of("a"), "none");
  EXPECT_EQ(index_->list("", 10)->ids, Ids{});
  EXPECT_EQ(index_->list_page(10, "")->total_count, 0U);
  EXPECT_EQ(index_->stats().mutation, 0U);
  pass(seconds(30) - std::chrono::microseconds(1));
  EXPECT_EQ(found(), Ids{});
  pass(std::chrono::microseconds(1));
  EXPECT_EQ(found(), Ids{"a"});
  EXPECT_EQ(metadata_of("a"), "old=1");
  EXPECT_EQ(index_->list("", 10)->ids, Ids{"a"});
  EXPECT_EQ(index_->list_page(10, "")->ids, Ids{"a"});
  EXPECT_EQ(index_->stats().mutation, 1U);
  EXPECT_EQ(index_->stats().vector_count, 1U);
}

TEST_F(PublishedTest, AReplacedVectorKeepsItsOldValuesAndMetadataForReaders) {
  open(seconds(30));
  ASSERT_TRUE(index_->upsert(batch_of({{"a", {1, 0}, "old=1"}, {"b", {0, 1}, "b=1"}})).ok());
  pass(seconds(30));
  ASSERT_TRUE(index_->upsert(batch_of({{"a", {-1, 0}, "new=1"}})).ok());
  ASSERT_TRUE(index_->erase(Ids{"b"}).ok());
  const auto matches =
      index_->query(std::vector<float>{1, 0}, {.with_values = true, .with_metadata = true}).value();
  ASSERT_EQ(matches.size(), 2U);
  EXPECT_EQ(matches[0].id, "a");
  EXPECT_EQ(matches[0].score, 1.0F);
  EXPECT_EQ(matches[0].metadata, "old=1");
  EXPECT_EQ(matches[0].values, (std::vector<float>{1, 0}));
  EXPECT_EQ(metadata_of("b"), "b=1");
  pass(seconds(30));
  EXPECT_EQ(metadata_of("a"), "new=1");
  EXPECT_EQ(found(), Ids{"a"});
}

TEST_F(PublishedTest, WhetherAnInsertAddsIsDecidedByWhatWasWrittenNotByWhatIsSeen) {
  open(seconds(30));
  ASSERT_TRUE(index_->insert(batch_of({{"a", {1, 0}, "first=1"}})).ok());
  ASSERT_TRUE(index_->insert(batch_of({{"a", {0, 1}, "second=1"}})).ok());
  pass(seconds(30));
  EXPECT_EQ(metadata_of("a"), "first=1");
  EXPECT_EQ(index_->stats().vector_count, 1U);
  EXPECT_EQ(index_->stats().mutation, 2U);
}

TEST_F(PublishedTest, AMetadataIndexIsUnknownToFiltersUntilItsDelayIsOver) {
  open(seconds(30));
  ASSERT_TRUE(index_->upsert(batch_of({{"a", {1, 0}, "kind=x"}})).ok());
  pass(seconds(30));
  ASSERT_TRUE(index_->create_metadata_index("kind", PropertyType::string, true, 10).ok());
  EXPECT_TRUE(index_->metadata_indexes().empty());
  pass(seconds(30));
  EXPECT_EQ(index_->metadata_indexes().size(), 1U);
  ASSERT_TRUE(index_->delete_metadata_index("kind").ok());
  EXPECT_EQ(index_->metadata_indexes().size(), 1U);
  pass(seconds(30));
  EXPECT_TRUE(index_->metadata_indexes().empty());
}

TEST_F(PublishedTest, AfterARestartEverythingAcknowledgedIsSeen) {
  open(seconds(30));
  ASSERT_TRUE(index_->upsert(batch_of({{"a", {1, 0}}})).ok());
  EXPECT_EQ(found(), Ids{});
  open(seconds(30));
  EXPECT_EQ(found(), Ids{"a"});
  EXPECT_EQ(index_->stats().mutation, 1U);
}

TEST_F(PublishedTest, OneWriteIsDelayedWhereTheStoreDelaysNone) {
  open(Delay::zero());
  ASSERT_TRUE(index_->upsert(batch_of({{"a", {1, 0}, "old=1"}})).ok());
  ASSERT_TRUE(index_->delayed(seconds(5))->upsert(batch_of({{"a", {1, 0}, "late=1"}})).ok());
  EXPECT_EQ(metadata_of("a"), "old=1");
  EXPECT_EQ(index_->list_page(10, "")->total_count, 1U);
  pass(seconds(5));
  EXPECT_EQ(metadata_of("a"), "late=1");
  ASSERT_TRUE(index_->upsert(batch_of({{"a", {1, 0}, "now=1"}})).ok());
  EXPECT_EQ(metadata_of("a"), "now=1");
}

TEST_F(PublishedTest, AWriteIsNeverSeenBeforeOneThatWasAcknowledgedEarlier) {
  open(Delay::zero());
  ASSERT_TRUE(index_->delayed(seconds(5))->upsert(batch_of({{"a", {1, 0}}})).ok());
  ASSERT_TRUE(index_->upsert(batch_of({{"b", {1, 0}}})).ok());
  EXPECT_EQ(found(), Ids{});
  EXPECT_EQ(metadata_of("b"), "none");
  pass(seconds(5));
  EXPECT_EQ(found(), (Ids{"a", "b"}));
}

TEST_F(PublishedTest, EachWriteIsSeenAtItsOwnTime) {
  open(seconds(10));
  for (const char* id : {"a", "b", "c"}) {
    ASSERT_TRUE(index_->upsert(batch_of({{id, {1, 0}}})).ok());
    pass(seconds(4));
  }
  EXPECT_EQ(found(), Ids{"a"});
  pass(seconds(2));
  EXPECT_EQ(found(), (Ids{"a", "b"}));
  pass(seconds(4));
  EXPECT_EQ(found(), (Ids{"a", "b", "c"}));
}

TEST_F(PublishedTest, WritesBeyondTheBoundAreSeenTogetherWithTheNextOneAndNeverEarly) {
  open(seconds(3'600));
  const std::size_t count = limits::delayed_states_max * 4;
  for (std::size_t at = 0; at < count; ++at) {
    ASSERT_TRUE(index_->upsert(batch_of({{"v" + std::to_string(at), {1, 0}}})).ok());
    pass(seconds(1));
  }
  pass(seconds(3'600) - seconds(count));
  // Now the first write is due; then one more each second.
  for (std::size_t at = 0; at < count; ++at) {
    const std::uint64_t seen = index_->stats().mutation;
    EXPECT_LE(seen, at + 1);
    EXPECT_GE(seen + 2 * count / limits::delayed_states_max + 8, at + 1);
    pass(seconds(1));
  }
  EXPECT_EQ(index_->stats().vector_count, count);
}

TEST_F(PublishedTest, ReadersNeverSeeALaterRecordBesideAnEarlierRow) {
  open(std::chrono::microseconds(50));
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int round = 0; round < 400; ++round) {
      const std::string number = std::to_string(round);
      EXPECT_TRUE(index_->upsert(batch_of({{"a", {1, static_cast<float>(round)}, number}})).ok());
      pass(std::chrono::microseconds(10));
    }
    stop = true;
  });
  while (!stop) {
    const auto matches =
        index_->query(std::vector<float>{1, 0}, {.with_values = true, .with_metadata = true});
    ASSERT_TRUE(matches.ok());
    for (const Match& match : *matches) {
      EXPECT_EQ(std::to_string(static_cast<int>(match.values[1])), match.metadata);
    }
  }
  writer.join();
}

}  // namespace
}  // namespace selvedge::vectors
