// Tests of the graph of an index, through the store: what queries find while vectors are linked.
#include "vectors/near_graph.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "vectors/fixtures.h"
#include "vectors/rocks_store.h"

namespace selvedge::vectors {
namespace {

using fixtures::batch_of;
using fixtures::ids_of;
using fixtures::Vector;
using std::chrono::seconds;
using Ids = std::vector<std::string>;

constexpr std::uint32_t kDimensions = 24;

// Vectors in clusters; of length 1, or of lengths that differ a hundredfold.
class Clusters {
 public:
  explicit Clusters(bool normalised) : normalised_(normalised), centres_(12) {
    for (auto& centre : centres_) centre = direction(2);
  }
  std::vector<float> next() {
    std::vector<float> values = direction(0.7F);
    const auto& centre = centres_[random_() % centres_.size()];
    float squares = 0;
    for (std::size_t at = 0; at < kDimensions; ++at) {
      values[at] += centre[at];
      squares += values[at] * values[at];
    }
    const float length =
        normalised_ ? 1.0F : std::pow(10.0F, static_cast<float>(random_() % 200) / 100 - 1);
    for (float& value : values) value *= length / std::sqrt(squares);
    return values;
  }
  std::size_t number() { return random_(); }

 private:
  std::vector<float> direction(float deviation) {
    std::vector<float> values(kDimensions);
    for (float& value : values) value = normal_(random_) * deviation;
    return values;
  }

  bool normalised_;
  std::mt19937 random_{21};
  std::normal_distribution<float> normal_;
  std::vector<std::vector<float>> centres_;
};

double score(Metric metric, std::span<const float> a, std::span<const float> b) {
  double product = 0;
  double squares_a = 0;
  double squares_b = 0;
  double distance = 0;
  for (std::size_t at = 0; at < a.size(); ++at) {
    product += static_cast<double>(a[at]) * b[at];
    squares_a += static_cast<double>(a[at]) * a[at];
    squares_b += static_cast<double>(b[at]) * b[at];
    const double difference = static_cast<double>(a[at]) - b[at];
    distance += difference * difference;
  }
  if (metric == Metric::euclidean) return std::sqrt(distance);
  if (metric == Metric::dot_product) return product;
  return squares_a * squares_b == 0 ? 0 : product / std::sqrt(squares_a * squares_b);
}

class NearGraphTest : public testing::Test {
 protected:
  void open(Metric metric = Metric::cosine, NearRules near = {.rows_min = 200, .dead_min = 20}) {
    index_.reset();
    store_.reset();
    RocksStore::Options options;
    options.steady_us = [this] { return now_us_.load(); };
    options.near = near;
    auto store = RocksStore::open(folder_.path(), std::move(options));
    ASSERT_TRUE(store.ok()) << store.error().message;
    store_ = std::move(store).value();
    if (store_->list("a").empty()) {
      ASSERT_TRUE(store_->create("a", "docs", "", {kDimensions, metric, ""}).ok());
    }
    metric_ = metric;
    index_ = store_->find("a", "docs").value();
  }
  // Writes `count` vectors, named by number, a hundred at a time.
  void fill(Clusters& clusters, std::size_t count) {
    std::vector<Vector> batch;
    for (std::size_t at = 0; at < count; ++at) {
      batch.push_back({std::to_string(at), clusters.next()});
      model_[batch.back().id] = batch.back().values;
      if (batch.size() < 100 && at + 1 < count) continue;
      ASSERT_TRUE(index_->upsert(batch_of(batch)).ok());
      batch.clear();
    }
  }
  void settle() {
    index_->settle();
    ASSERT_EQ(index_->internals().recent_count, 0U);
    ASSERT_GT(index_->internals().linked_count, 0U);
  }
  Ids found(std::span<const float> query, std::size_t top_k,
            std::optional<float> recall = std::nullopt) const {
    return ids_of(index_->query(query, {.top_k = top_k, .recall = recall}));
  }
  // Of the model's vectors, by sums in double.
  Ids nearest(std::span<const float> query, std::size_t top_k) const {
    std::vector<std::pair<double, std::string>> all;
    for (const auto& [id, values] : model_) {
      const double number = score(metric_, query, values);
      all.emplace_back(metric_ == Metric::euclidean ? number : -number, id);
    }
    std::sort(all.begin(), all.end());
    Ids ids;
    for (std::size_t at = 0; at < std::min(top_k, all.size()); ++at) ids.push_back(all[at].second);
    return ids;
  }
  // Of queries that ask for 0.99: what is measured differs by some hundredths from what is found.
  double recall(Clusters& clusters, std::size_t top_k, std::optional<float> asked = 0.99F) const {
    constexpr std::size_t kQueries = 60;
    std::size_t right = 0;
    for (std::size_t at = 0; at < kQueries; ++at) {
      const auto query = clusters.next();
      const Ids ids = found(query, top_k, asked);
      EXPECT_EQ(ids.size(), top_k);
      for (const std::string& id : nearest(query, top_k)) {
        right += std::find(ids.begin(), ids.end(), id) != ids.end() ? 1U : 0U;
      }
    }
    return static_cast<double>(right) / static_cast<double>(kQueries * top_k);
  }

  fixtures::TemporaryFolder folder_;
  std::atomic<std::int64_t> now_us_ = 0;
  Metric metric_ = Metric::cosine;
  std::unique_ptr<Store> store_;
  std::shared_ptr<Index> index_;
  std::map<std::string, std::vector<float>> model_;
};

class NearGraphOf : public NearGraphTest, public testing::WithParamInterface<Metric> {};

TEST_P(NearGraphOf, FindsNearlyAllOfTheNearest) {
  open(GetParam());
  Clusters clusters(false);
  ASSERT_NO_FATAL_FAILURE(fill(clusters, 600));
  ASSERT_NO_FATAL_FAILURE(settle());
  EXPECT_EQ(index_->internals().linked_count, 600U);
  EXPECT_GE(recall(clusters, 10), 0.95);
  EXPECT_GE(recall(clusters, 10, std::nullopt), 0.9);
  EXPECT_GE(recall(clusters, 30), 0.95);
  EXPECT_GE(recall(clusters, 70), 0.95);
  EXPECT_EQ(recall(clusters, 100), 1);  // By a scan: a walk is no short cut to so many.
  for (int each = 0; each < 30; ++each) {
    const auto query = clusters.next();
    EXPECT_EQ(found(query, 20, 1), nearest(query, 20));
  }
}

// Their lengths leave float32, or would, if codes were made of them.
TEST_P(NearGraphOf, FindsVectorsOfExtremeLengthsAsAScanDoes) {
  open(GetParam());
  Clusters clusters(true);
  ASSERT_NO_FATAL_FAILURE(fill(clusters, 400));
  std::vector<std::vector<float>> queries;
  std::vector<Vector> extremes;
  for (const float length : {1e-30F, 1e-13F, 1e13F, 1e30F, 0.0F}) {
    Vector made{"of " + std::to_string(std::log10(length)), clusters.next()};
    queries.push_back(made.values);  // In its direction,
    for (float& value : queries.back()) value *= 1e-3F;
    queries.push_back(queries.back());  // nearer to the origin,
    for (float& value : made.values) value *= length;
    queries.push_back(made.values);  // and the vector itself.
    extremes.push_back(std::move(made));
  }
  ASSERT_TRUE(index_->upsert(batch_of(extremes)).ok());
  for (int time = 0; time < 2; ++time) {
    for (const auto& query : queries) {
      const Ids near = found(query, 5);
      const Ids exact = found(query, 5, 1);
      ASSERT_EQ(near.front(), exact.front());
      // Of those, whether the graph reaches them is no matter of chance.
      for (const Vector& each : extremes) {
        EXPECT_EQ(std::find(near.begin(), near.end(), each.id) != near.end(),
                  std::find(exact.begin(), exact.end(), each.id) != exact.end())
            << each.id;
      }
    }
    ASSERT_NO_FATAL_FAILURE(settle());
  }
  Ids ids;
  for (const Vector& each : extremes) ids.push_back(each.id);
  ASSERT_TRUE(index_->erase(ids).ok());
  for (const auto& query : queries) {
    for (const std::string& id : found(query, 20)) ASSERT_NE(id.substr(0, 3), "of ");
  }
}

INSTANTIATE_TEST_SUITE_P(EveryMetric, NearGraphOf,
                         testing::Values(Metric::cosine, Metric::euclidean, Metric::dot_product),
                         [](const auto& each) {
                           return std::string(each.param == Metric::cosine      ? "Cosine"
                                              : each.param == Metric::euclidean ? "Euclidean"
                                                                                : "DotProduct");
                         });

TEST_F(NearGraphTest, EveryWriteIsSeenByTheNextQueryWhileVectorsAreLinked) {
  open();
  Clusters clusters(true);
  ASSERT_NO_FATAL_FAILURE(fill(clusters, 250));
  for (int at = 0; at < 1'000; ++at) {
    const std::string id = "new " + std::to_string(at);
    const auto values = clusters.next();
    ASSERT_TRUE(index_->insert(batch_of({{id, values}})).ok());
    ASSERT_EQ(found(values, 1), Ids{id});
  }
}

TEST_F(NearGraphTest, NothingIsMissedWhileTheFirstVectorsAreLinked) {
  open(Metric::cosine, {.rows_min = 1'000});
  Clusters clusters(true);
  std::vector<Vector> batch;
  for (std::size_t at = 0; at < 1'200; ++at) {
    batch.push_back({std::to_string(at), clusters.next()});
  }
  ASSERT_TRUE(index_->upsert(batch_of(batch)).ok());
  std::size_t asked = 0;
  std::size_t right = 0;
  do {
    const Vector& any = batch[clusters.number() % batch.size()];
    right += found(any.values, 1) == Ids{any.id} ? 1U : 0U;
    ++asked;
  } while (index_->internals().linked_count < batch.size());
  EXPECT_GE(right, asked * 99 / 100);
}

TEST_F(NearGraphTest, WhatIsDeletedOrReplacedNeverAppearsAgain) {
  open();
  Clusters clusters(true);
  ASSERT_NO_FATAL_FAILURE(fill(clusters, 500));
  for (int time = 0; time < 600; ++time) {
    const std::string id = std::to_string(clusters.number() % 500);
    const bool erased = time % 3 == 0;
    const auto before = model_.find(id);
    const auto old = before == model_.end() ? clusters.next() : before->second;
    if (erased) {
      ASSERT_TRUE(index_->erase(Ids{id}).ok());
      model_.erase(id);
    } else {
      model_[id] = clusters.next();
      ASSERT_TRUE(index_->upsert(batch_of({{id, model_[id]}})).ok());
    }
    const auto matches = index_->query(old, {.top_k = 10, .with_values = true});
    ASSERT_TRUE(matches.ok());
    ASSERT_EQ(matches->size(), 10U);
    for (const Match& match : *matches) {
      ASSERT_TRUE(model_.contains(match.id)) << match.id;
      ASSERT_EQ(match.values, model_[match.id]) << match.id;
    }
    if (time % 200 == 199) {
      ASSERT_NO_FATAL_FAILURE(settle());
    }
  }
  EXPECT_EQ(index_->stats().vector_count, model_.size());
  EXPECT_GE(recall(clusters, 10), 0.95);
}

TEST_F(NearGraphTest, MostOfAnIndexMayBeDeletedAtOnce) {
  open();
  Clusters clusters(true);
  ASSERT_NO_FATAL_FAILURE(fill(clusters, 600));
  ASSERT_NO_FATAL_FAILURE(settle());
  Ids gone;
  for (int at = 0; at < 450; ++at) {
    gone.push_back(std::to_string(at));
    model_.erase(gone.back());
  }
  ASSERT_TRUE(index_->erase(gone).ok());
  for (int time = 0; time < 2; ++time) {
    EXPECT_GE(recall(clusters, 10), 0.95);
    ASSERT_NO_FATAL_FAILURE(settle());
  }
  EXPECT_EQ(index_->internals().linked_count, 150U);
  ASSERT_NO_FATAL_FAILURE(fill(clusters, 600));
  ASSERT_NO_FATAL_FAILURE(settle());
  EXPECT_GE(recall(clusters, 10), 0.95);
  for (const auto& [id, values] : model_) ASSERT_EQ(found(values, 1), Ids{id});
}

// A third of an index may be the same text.
TEST_F(NearGraphTest, EqualVectorsAreAllFound) {
  open();
  Clusters clusters(true);
  const auto equal = clusters.next();
  std::vector<Vector> batch;
  for (int at = 0; at < 900; ++at) {
    const bool same = at % 3 == 0;
    batch.push_back(
        {(same ? "same " : "other ") + std::to_string(at), same ? equal : clusters.next()});
  }
  ASSERT_TRUE(index_->upsert(batch_of(batch)).ok());
  ASSERT_NO_FATAL_FAILURE(settle());
  for (const std::string& id : found(equal, 50)) EXPECT_EQ(id.substr(0, 5), "same ");
}

TEST_F(NearGraphTest, AsManyEqualVectorsAsAreAskedForAreAllFound) {
  open();
  Clusters clusters(true);
  const auto equal = clusters.next();
  std::vector<Vector> batch;
  for (int at = 0; at < 2'000; ++at) {
    const bool same = at % 10 == 0;
    batch.push_back(
        {(same ? "same " : "other ") + std::to_string(at), same ? equal : clusters.next()});
  }
  ASSERT_TRUE(index_->upsert(batch_of(batch)).ok());
  ASSERT_NO_FATAL_FAILURE(settle());
  const Ids ids = found(equal, 200);
  ASSERT_EQ(ids.size(), 200U);
  for (const std::string& id : ids) EXPECT_EQ(id.substr(0, 5), "same ");
}

TEST_F(NearGraphTest, ADelayedWriteShowsNothingBeforeItsTime) {
  open();
  Clusters clusters(true);
  ASSERT_NO_FATAL_FAILURE(fill(clusters, 400));
  ASSERT_NO_FATAL_FAILURE(settle());
  const auto late = index_->delayed(seconds(5));
  const auto values = clusters.next();
  ASSERT_TRUE(late->insert(batch_of({{"new", values}})).ok());
  Ids gone;
  for (int at = 0; at < 200; ++at) gone.push_back(std::to_string(at));
  ASSERT_TRUE(late->erase(gone).ok());
  for (int time = 0; time < 2; ++time) {
    EXPECT_NE(found(values, 1), Ids{"new"});
    // None of those that are to go is missed before it has gone.
    for (const std::string& id : gone) ASSERT_EQ(found(model_[id], 1), Ids{id});
    index_->settle();
  }
  now_us_ += 5'000'000;
  EXPECT_EQ(found(values, 1), Ids{"new"});
  for (const std::string& id : gone) ASSERT_NE(found(model_[id], 1), Ids{id});
  ASSERT_TRUE(index_->erase(Ids{"new"}).ok());
  index_->settle();
  // The linker may take out those 200 before "new" ends, which stays then: one is too few.
  EXPECT_LE(index_->internals().linked_count, 201U);
  EXPECT_GE(index_->internals().linked_count, 200U);
}

TEST_F(NearGraphTest, AnIndexIsDroppedWhileItIsLinked) {
  open();
  Clusters clusters(true);
  for (const bool held : {true, false}) {
    for (int time = 0; time < 3; ++time) {
      ASSERT_NO_FATAL_FAILURE(fill(clusters, 400));
      if (!held) index_.reset();
      ASSERT_TRUE(store_->drop("a", "docs").ok());
      if (held) {
        EXPECT_EQ(found(model_["7"], 1), Ids{"7"});
        EXPECT_EQ(index_->upsert(batch_of({{"7", model_["7"]}})).error().code,
                  Code::index_not_found);
        index_->settle();
      }
      ASSERT_TRUE(store_->create("a", "docs", "", {kDimensions, Metric::cosine, ""}).ok());
      index_ = store_->find("a", "docs").value();
      EXPECT_EQ(index_->stats().vector_count, 0U);
    }
  }
}

TEST_F(NearGraphTest, AStoreIsClosedWhileItsIndexesAreLinked) {
  Clusters clusters(true);
  for (int time = 0; time < 4; ++time) {
    ASSERT_NO_FATAL_FAILURE(open());
    EXPECT_EQ(index_->stats().vector_count, model_.size());
    ASSERT_NO_FATAL_FAILURE(fill(clusters, 300 + 100 * static_cast<std::size_t>(time)));
  }
  for (int each = 0; each < 20; ++each) {
    const auto query = clusters.next();
    EXPECT_EQ(found(query, 10, 1), nearest(query, 10));
  }
}

TEST_F(NearGraphTest, AnIndexThatOutlivesItsStoreIsReadWrittenAndSettled) {
  open();
  Clusters clusters(true);
  ASSERT_NO_FATAL_FAILURE(fill(clusters, 400));
  store_.reset();
  const auto values = clusters.next();
  ASSERT_TRUE(index_->upsert(batch_of({{"new", values}})).ok());
  EXPECT_EQ(found(values, 1), Ids{"new"});
  ASSERT_NO_FATAL_FAILURE(settle());
  EXPECT_EQ(found(values, 1), Ids{"new"});
  EXPECT_GE(recall(clusters, 10), 0.95);
}

// Nothing can be learned of them, and their slots come back none the less.
TEST_F(NearGraphTest, AnIndexOfZeroVectorsGrowsNoLargerByBeingRewritten) {
  open();
  std::vector<Vector> batch;
  for (int at = 0; at < 250; ++at)
    batch.push_back({std::to_string(at), std::vector<float>(kDimensions)});
  for (int time = 0; time < 30; ++time) {
    ASSERT_TRUE(index_->upsert(batch_of(batch)).ok());
    index_->settle();
  }
  EXPECT_EQ(found(std::vector<float>(kDimensions, 1), 10).size(), 10U);
  EXPECT_LE(index_->internals().dead_count, 4 * 250U);
}

// What a query shows of a vector was written together, and a vector that nobody touches stays
// findable, whatever is linked, replaced and taken out meanwhile.
TEST_F(NearGraphTest, QueriesOfOtherThreadsSeeWholeVectorsOnly) {
  open();
  Clusters clusters(true);
  ASSERT_NO_FATAL_FAILURE(fill(clusters, 400));
  const auto steady = model_["0"];
  std::atomic<bool> over{false};
  std::atomic<std::size_t> wrong{0};
  std::atomic<std::size_t> asked{0};
  const auto ask = [&] {
    Clusters own(true);
    while (!over) {
      const auto query = own.next();
      const auto matches = index_->query(query, {.top_k = 10, .with_values = true});
      if (!matches.ok() || matches->size() != 10) ++wrong;
      for (const Match& match : *matches) {
        if (std::abs(match.score - score(Metric::cosine, query, match.values)) > 1e-4) ++wrong;
      }
      if (ids_of(index_->query(steady, {.top_k = 1})) != Ids{"0"}) ++wrong;
      ++asked;
    }
  };
  std::thread first(ask);
  std::thread second(ask);
  for (int time = 0; time < 40; ++time) {
    std::vector<Vector> batch;
    Ids gone;
    for (int each = 0; each < 20; ++each) {
      batch.push_back({std::to_string(1 + clusters.number() % 399), clusters.next()});
      gone.push_back(std::to_string(1 + clusters.number() % 399));
    }
    EXPECT_TRUE(index_->erase(gone).ok());
    EXPECT_TRUE(index_->upsert(batch_of(batch)).ok());
  }
  index_->settle();
  over = true;
  first.join();
  second.join();
  EXPECT_EQ(wrong, 0U);
  EXPECT_GT(asked, 0U);
}

// A query takes its snapshot first, and then the graph, which may have grown in between.
TEST(NearView, AnOlderSnapshotIsSearchedThroughAGraphThatHasGrown) {
  Clusters clusters(true);
  Rows rows(kDimensions);
  NearGraph near({kDimensions, Metric::cosine, ""}, {.rows_min = 100});
  rows.note_recent(true);
  MutationNumber mutation = 0;
  const auto put = [&](const std::string& id, const std::vector<float>& values) {
    rows.put(id, values, std::nullopt, ++mutation, {});
  };
  const auto snapshot = [&] {
    return rows.snapshot({rows.size(), mutation, 1}, std::make_shared<const Properties>());
  };
  const auto link_all = [&] {
    const auto seen = snapshot();
    if (!near.trained()) near.train(*seen, {});
    for (auto at = seen->recent.begin(); at < seen->recent.end(); ++at) {
      near.link(*seen, at);
    }
    near.publish();
    rows.recent().drop_before(seen->recent.end());
  };
  for (int at = 0; at < 200; ++at) put(std::to_string(at), clusters.next());
  link_all();
  const auto before = snapshot();
  for (int at = 100; at < 2'000; ++at) {
    auto values = clusters.next();
    if (at % 10 == 0) std::fill(values.begin(), values.end(), 1e-30F);
    put(std::to_string(at), values);
  }
  link_all();
  NearView view = *near.view();
  view.settings = {{.width = 128, .recall = 1, .recall_of_many = 1}};
  std::size_t right = 0;
  for (int each = 0; each < 50; ++each) {
    const PreparedQuery query(Metric::cosine, clusters.next());
    const auto found = search_near(view, *before, query, 10, 0.95F);
    ASSERT_TRUE(found.has_value());
    ASSERT_EQ(found->size(), 10U);
    const auto exact = scan(*before, query, 10, {});
    for (const Candidate& candidate : *found) {
      ASSERT_LT(candidate.slot(), before->slot_end);
      right += std::any_of(exact.begin(), exact.end(),
                           [&](const Candidate& one) { return one.slot() == candidate.slot(); })
                   ? 1U
                   : 0U;
    }
  }
  EXPECT_GE(right, 475U);
}

// Of recent rows that have codes only those that are best by them are looked at.
TEST(NearView, RecentRowsAreFoundByTheirCodes) {
  Clusters clusters(true);
  Rows rows(kDimensions);
  NearGraph near({kDimensions, Metric::cosine, ""}, {.rows_min = 100});
  rows.note_recent(true);
  MutationNumber mutation = 0;
  const auto snapshot = [&](RecentCodes codes) {
    return rows.snapshot({rows.size(), mutation, 1}, std::make_shared<const Properties>(),
                         std::move(codes));
  };
  const auto put = [&](const std::string& id, const std::vector<float>& values) {
    return rows.put(id, values, std::nullopt, ++mutation, {});
  };
  for (int at = 0; at < 1'000; ++at) put(std::to_string(at), clusters.next());
  const auto first = snapshot({});
  near.train(*first, {});
  for (auto at = first->recent.begin(); at < first->recent.end(); ++at) near.link(*first, at);
  near.publish();
  rows.recent().drop_before(first->recent.end());
  NearView view = *near.view();
  view.settings.push_back({.width = 128, .recall = 1});
  view.settings.back().recall_of_many = 1;
  const RecentCodes codes{view.codes, rows.recent().end()};
  ann::Quantizer::Scratch scratch;
  std::vector<float> space;
  for (int at = 500; at < 1'500; ++at) {
    const auto values = clusters.next();
    const Slot slot = put(std::to_string(at), values);
    ASSERT_TRUE(near.encode(*view.codes, values, slot, scratch, space));
  }
  const auto seen = snapshot(codes);
  std::size_t right = 0;
  for (int each = 0; each < 100; ++each) {
    const PreparedQuery query(Metric::cosine, clusters.next());
    const auto found = search_near(view, *seen, query, 10, 0.9F);
    ASSERT_TRUE(found.has_value());
    ASSERT_EQ(found->size(), 10U);
    const auto exact = scan(*seen, query, 10, {});
    for (std::size_t at = 0; at < exact.size(); ++at) {
      right += std::any_of(found->begin(), found->end(), [&](const Candidate& one) {
        // Kernels for one row and for many round differently.
        return one.slot() == exact[at].slot() && std::abs(one.key - exact[at].key) < 1e-5F;
      });
    }
  }
  EXPECT_GE(right, 970U);
}

TEST_F(NearGraphTest, TheLinkerTurnsToEveryIndex) {
  open();
  Clusters clusters(true);
  std::vector<std::shared_ptr<Index>> indexes;
  for (int number = 0; number < 3; ++number) {
    const std::string name = "n" + std::to_string(number);
    ASSERT_TRUE(store_->create("a", name, "", {kDimensions, Metric::cosine, ""}).ok());
    indexes.push_back(store_->find("a", name).value());
    index_ = indexes.back();
    ASSERT_NO_FATAL_FAILURE(fill(clusters, 250));
  }
  for (const auto& index : indexes) {
    while (index->internals().linked_count < 250 || index->internals().recent_count > 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
}

}  // namespace
}  // namespace selvedge::vectors
