// Tests of the exact index: what writes mean, what queries answer, and what concurrent readers see.
#include "vectors/stored_index.h"

#include <atomic>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "vectors/fixtures.h"

namespace selvedge::vectors {
namespace {

using fixtures::batch_of;
using fixtures::ids_of;
using fixtures::open_index;
using Ids = std::vector<std::string>;

class StoredIndexTest : public testing::Test {
 protected:
  Index& open(std::uint32_t dimensions, Metric metric = Metric::cosine) {
    opened_ = {};
    opened_ = open_index(folder_.path(), dimensions, metric);
    return *opened_.index;
  }

  fixtures::TemporaryFolder folder_;
  fixtures::Opened opened_;
};

TEST_F(StoredIndexTest, InsertKeepsTheOldValuesOfKnownIdsAndAddsTheOthers) {
  Index& index = open(2);
  EXPECT_EQ(index.insert(batch_of({{"a", {1, 0}, "first"}})).value(), 1U);
  EXPECT_EQ(index.insert(batch_of({{"a", {0, 1}, "second"}, {"b", {0, 1}, "b"}})).value(), 2U);
  const auto stored = index.get(Ids{"b", "a", "none"}).value();
  ASSERT_EQ(stored.size(), 2U);
  EXPECT_EQ(stored[0].id, "b");
  EXPECT_EQ(stored[1].metadata, "first");
  EXPECT_EQ(stored[1].values, (std::vector<float>{1, 0}));
  EXPECT_EQ(index.stats().vector_count, 2U);
}

TEST_F(StoredIndexTest, CountsPartitionsExactlyOnlyWhereThereMayBeTooMany) {
  Index& index = open(2);
  using Added = std::vector<std::optional<std::string>>;
  ASSERT_TRUE(index.upsert(batch_of({{"a", {1, 0}, "", "p"}, {"b", {1, 0}, "", "q"}})).ok());
  EXPECT_EQ(index.partitions_with(Added{}, 9), 2U);
  EXPECT_EQ(index.partitions_with(Added{"p", "r", "r", std::nullopt}, 9), 3U);
  ASSERT_TRUE(index.erase(Ids{"b"}).ok());
  EXPECT_EQ(index.partitions_with(Added{}, 1), 1U);
  EXPECT_EQ(index.partitions_with(Added{"r"}, 2), 2U);
  EXPECT_EQ(index.partitions_with(Added{"q", "r"}, 2), 3U);
  EXPECT_LE(index.partitions_with(Added{"r"}, 9), 9U);
}

TEST_F(StoredIndexTest, UpsertReplacesValuesMetadataAndPartitionWhole) {
  Index& index = open(2);
  ASSERT_TRUE(index.upsert(batch_of({{"a", {1, 0}, "first", "p"}})).ok());
  ASSERT_TRUE(index.upsert(batch_of({{"a", {0, 1}, ""}})).ok());
  const auto stored = index.get(Ids{"a"}).value();
  EXPECT_EQ(stored[0].metadata, "");
  EXPECT_EQ(stored[0].partition, std::nullopt);
  EXPECT_EQ(stored[0].values, (std::vector<float>{0, 1}));
  EXPECT_EQ(index.stats().vector_count, 1U);
  EXPECT_TRUE(ids_of(index.query(std::vector<float>{1, 0}, {.partition = "p"})).empty());
}

TEST_F(StoredIndexTest, OfAnIdTwiceInABatchInsertTakesTheFirstAndUpsertTheLast) {
  Index& index = open(1);
  const auto twice = batch_of({{"a", {1}, "first"}, {"b", {5}, "b"}, {"a", {2}, "last"}});
  ASSERT_TRUE(index.insert(twice).ok());
  EXPECT_EQ(index.get(Ids{"a"}).value()[0].metadata, "first");
  EXPECT_EQ(index.stats().vector_count, 2U);
  ASSERT_TRUE(index.upsert(twice).ok());
  EXPECT_EQ(index.get(Ids{"a"}).value()[0].metadata, "last");
  EXPECT_EQ(index.stats().vector_count, 2U);
}

TEST_F(StoredIndexTest, EraseRemovesAndUnknownOrRepeatedIdsAreNoError) {
  Index& index = open(1);
  ASSERT_TRUE(index.insert(batch_of({{"a", {1}}, {"b", {2}}})).ok());
  EXPECT_EQ(index.erase(Ids{"a", "none", "a"}).value(), 2U);
  EXPECT_EQ(index.stats().vector_count, 1U);
  EXPECT_TRUE(index.get(Ids{"a"}).value().empty());
  EXPECT_EQ(ids_of(index.query(std::vector<float>{1}, {})), Ids{"b"});
}

TEST_F(StoredIndexTest, EveryWriteCallGrowsTheMutationNumberByOne) {
  Index& index = open(1);
  EXPECT_EQ(index.stats().mutation, 0U);
  EXPECT_EQ(index.stats().mutation_us, 0);
  EXPECT_EQ(index.insert({}).value(), 1U);
  EXPECT_EQ(index.erase({}).value(), 2U);
  EXPECT_EQ(index.upsert(batch_of({{"a", {1}}})).value(), 3U);
  EXPECT_EQ(index.stats().mutation, 3U);
  EXPECT_GT(index.stats().mutation_us, 1'600'000'000'000'000);
}

TEST_F(StoredIndexTest, AWrongLengthOrANotFiniteValueWritesNothingOfItsBatch) {
  Index& index = open(2);
  const float infinity = std::numeric_limits<float>::infinity();
  const auto wrong = index.insert(batch_of({{"a", {1, 2, 3}}}));
  EXPECT_EQ(wrong.error().code, Code::dimension_mismatch);
  EXPECT_EQ(wrong.error().message,
            "invalid vector for id=\"a\", expected 2 dimensions, and got 3 dimensions");
  EXPECT_EQ(index.upsert(batch_of({{"a", {1, 2}}, {"b", {1, infinity}}})).error().code,
            Code::vectors_unparsable);
  EXPECT_EQ(index.insert(batch_of({{"", {1, 2}}})).error().code, Code::id_invalid);
  EXPECT_EQ(index.insert(batch_of({{std::string(65, 'x'), {1, 2}}})).error().code,
            Code::id_invalid);
  EXPECT_EQ(index.insert(batch_of({{"a", {1, 2}, "", std::string(65, 'x')}})).error().code,
            Code::id_invalid);
  EXPECT_EQ(index.query(std::vector<float>{1}, {}).error().code, Code::query_dimension_mismatch);
  EXPECT_EQ(index.query(std::vector<float>{1, std::nanf("")}, {}).error().code,
            Code::query_invalid);
  EXPECT_EQ(index.stats().mutation, 0U);
  EXPECT_EQ(index.stats().vector_count, 0U);
}

TEST_F(StoredIndexTest, CosineIsHighestFirstAndAZeroVectorScoresZero) {
  Index& index = open(2);
  ASSERT_TRUE(
      index
          .insert(batch_of(
              {{"same", {2, 2}}, {"across", {1, -1}}, {"against", {-3, -3}}, {"zero", {0, 0}}}))
          .ok());
  const auto matches = index.query(std::vector<float>{5, 5}, {}).value();
  EXPECT_EQ(ids_of(index.query(std::vector<float>{5, 5}, {})),
            (Ids{"same", "across", "zero", "against"}));
  EXPECT_NEAR(matches[0].score, 1, 1e-6);
  EXPECT_LE(matches[0].score, 1);
  EXPECT_EQ(matches[2].score, 0);
  EXPECT_FALSE(std::signbit(matches[2].score));
  EXPECT_NEAR(matches[3].score, -1, 1e-6);
  const auto of_zero = index.query(std::vector<float>{0, 0}, {}).value();
  for (const Match& match : of_zero) EXPECT_EQ(match.score, 0);
}

TEST_F(StoredIndexTest, EuclideanIsTheDistanceLowestFirst) {
  Index& index = open(2, Metric::euclidean);
  ASSERT_TRUE(index.insert(batch_of({{"far", {3, 4}}, {"near", {0, 1}}, {"here", {0, 0}}})).ok());
  const auto matches = index.query(std::vector<float>{0, 0}, {}).value();
  ASSERT_EQ(matches.size(), 3U);
  EXPECT_EQ(matches[0].score, 0);
  EXPECT_EQ(matches[1].score, 1);
  EXPECT_EQ(matches[2].score, 5);
}

TEST_F(StoredIndexTest, DotProductIsNegatedLowestFirst) {
  Index& index = open(2, Metric::dot_product);
  ASSERT_TRUE(index.insert(batch_of({{"low", {-1, 0}}, {"high", {7, 0}}, {"none", {0, 1}}})).ok());
  const auto matches = index.query(std::vector<float>{2, 0}, {}).value();
  ASSERT_EQ(matches.size(), 3U);
  EXPECT_EQ(matches[0].score, -14);
  EXPECT_EQ(matches[1].score, 0);
  EXPECT_FALSE(std::signbit(matches[1].score));
  EXPECT_EQ(matches[2].score, 2);
}

TEST_F(StoredIndexTest, HugeAndTinyValuesGiveFiniteScores) {
  Index& index = open(3);
  ASSERT_TRUE(index
                  .insert(batch_of({{"huge", {3e38F, 3e38F, 3e38F}},
                                    {"other", {3e38F, 3e38F, -3e38F}},
                                    {"tiny", {1e-38F, 1e-38F, 1e-38F}}}))
                  .ok());
  const auto matches = index.query(std::vector<float>{3e38F, 3e38F, 3e38F}, {}).value();
  ASSERT_EQ(matches.size(), 3U);
  EXPECT_NEAR(matches[0].score, 1, 1e-5);
  EXPECT_NEAR(matches[1].score, 1, 1e-5);
  EXPECT_NEAR(matches[2].score, 1.0 / 3, 1e-5);
}

TEST_F(StoredIndexTest, EqualScoresComeInTheOrderOfTheirIdsAndTheCutRespectsIt) {
  Index& index = open(1, Metric::euclidean);
  std::vector<fixtures::Vector> vectors;
  for (const char* id : {"m", "c", "x", "a", "k", "b", "z"}) vectors.push_back({id, {1}});
  ASSERT_TRUE(index.insert(batch_of(vectors)).ok());
  EXPECT_EQ(ids_of(index.query(std::vector<float>{0}, {.top_k = 3})), (Ids{"a", "b", "c"}));
}

TEST_F(StoredIndexTest, APartitionIsSearchedAlone) {
  Index& index = open(1, Metric::euclidean);
  ASSERT_TRUE(index
                  .insert(batch_of({{"a", {1}, "", "red"},
                                    {"b", {2}, "", "blue"},
                                    {"c", {3}, "", "red"},
                                    {"d", {4}},
                                    {"e", {5}, "", ""}}))
                  .ok());
  EXPECT_EQ(ids_of(index.query(std::vector<float>{0}, {.partition = "red"})), (Ids{"a", "c"}));
  EXPECT_EQ(ids_of(index.query(std::vector<float>{0}, {.partition = ""})), Ids{"e"});
  EXPECT_TRUE(ids_of(index.query(std::vector<float>{0}, {.partition = "none"})).empty());
  EXPECT_EQ(ids_of(index.query(std::vector<float>{0}, {})).size(), 5U);
  const auto matches = index.query(std::vector<float>{0}, {.top_k = 2}).value();
  EXPECT_EQ(matches[1].partition, "blue");
}

TEST_F(StoredIndexTest, MetadataAndValuesComeOnlyWhenAskedFor) {
  Index& index = open(2);
  ASSERT_TRUE(index.insert(batch_of({{"a", {1, 3}, R"({"k":1})"}})).ok());
  const std::vector<float> query = {1, 0};
  const auto bare = index.query(query, {}).value();
  EXPECT_TRUE(bare[0].metadata.empty());
  EXPECT_TRUE(bare[0].values.empty());
  const auto full = index.query(query, {.with_values = true, .with_metadata = true}).value();
  EXPECT_EQ(full[0].metadata, R"({"k":1})");
  EXPECT_EQ(full[0].values, (std::vector<float>{1, 3}));
}

TEST_F(StoredIndexTest, ListPagesThroughTheIdsInTheOrderOfTheirBytes) {
  Index& index = open(1);
  ASSERT_TRUE(
      index.insert(batch_of({{"b", {1}}, {"a", {1}}, {"\xC3\xA9", {1}}, {"aa", {1}}})).ok());
  const auto first = index.list("", 3).value();
  EXPECT_EQ(first.ids, (Ids{"a", "aa", "b"}));
  EXPECT_TRUE(first.truncated);
  EXPECT_EQ(first.total_count, 4U);
  const auto second = index.list("b", 3).value();
  EXPECT_EQ(second.ids, Ids{"\xC3\xA9"});
  EXPECT_FALSE(second.truncated);
  EXPECT_TRUE(index.list("\xC3\xA9", 3).value().ids.empty());
}

// Rows die, chunks are left behind, and the answers stay those of a plain list.
TEST_F(StoredIndexTest, AnswersStayExactWhileMostVectorsAreReplacedAndErased) {
  Index& index = open(5, Metric::euclidean);
  std::mt19937 random(11);
  std::normal_distribution<float> normal;
  std::map<std::string, std::vector<float>> model;
  for (int round = 0; round < 60; ++round) {
    std::vector<fixtures::Vector> vectors;
    for (int at = 0; at < 80; ++at) {
      std::vector<float> values(5);
      for (float& value : values) value = normal(random);
      vectors.push_back({std::to_string(random() % 900), values});
    }
    ASSERT_TRUE(index.upsert(batch_of(vectors)).ok());
    for (const auto& vector : vectors) model[vector.id] = vector.values;
    Ids gone;
    for (int at = 0; at < 40; ++at) gone.push_back(std::to_string(random() % 900));
    ASSERT_TRUE(index.erase(gone).ok());
    for (const auto& id : gone) model.erase(id);
  }
  EXPECT_EQ(index.stats().vector_count, model.size());
  const std::vector<float> query = {0.1F, 0.2F, 0.3F, 0.4F, 0.5F};
  std::vector<std::pair<double, std::string>> expected;
  for (const auto& [id, values] : model) {
    double sum = 0;
    for (std::size_t at = 0; at < 5; ++at) {
      sum += std::pow(static_cast<double>(values[at]) - query[at], 2);
    }
    expected.emplace_back(std::sqrt(sum), id);
  }
  std::sort(expected.begin(), expected.end());
  const auto matches = index.query(query, {.top_k = 1000, .with_metadata = true}).value();
  ASSERT_EQ(matches.size(), expected.size());
  for (std::size_t at = 0; at < matches.size(); ++at) {
    EXPECT_NEAR(matches[at].score, expected[at].first, 1e-5);
  }
  EXPECT_EQ(matches[0].id, expected[0].second);
}

// Each batch gives all ten vectors one value, so a query that mixes two batches shows two scores.
TEST_F(StoredIndexTest, ReadersDuringWritesSeeOnlyWholeBatches) {
  Index& index = open(4, Metric::euclidean);
  const auto batch_with = [](float value) {
    std::vector<fixtures::Vector> vectors;
    for (int at = 0; at < 10; ++at) {
      vectors.push_back({"v" + std::to_string(at), std::vector<float>(4, value),
                         std::to_string(static_cast<int>(value))});
    }
    return batch_of(vectors);
  };
  ASSERT_TRUE(index.upsert(batch_with(1)).ok());
  std::atomic<bool> stop = false;
  std::atomic<int> mixed = 0;
  std::atomic<int> queries = 0;
  const auto read = [&](bool with_metadata) {
    const std::vector<float> query(4, 0.0F);
    while (!stop) {
      const auto matches =
          index.query(query, {.top_k = 20, .with_values = true, .with_metadata = with_metadata});
      if (!matches.ok() || matches.value().size() != 10) {
        ++mixed;
        continue;
      }
      for (const Match& match : matches.value()) {
        // With metadata, records may be newer than the snapshot, but each match is of one piece.
        if (!with_metadata && match.score != matches.value()[0].score) ++mixed;
        if (std::abs(match.score - 2 * match.values[0]) > 1e-3) ++mixed;
        if (with_metadata && match.metadata != std::to_string(static_cast<int>(match.values[0]))) {
          ++mixed;
        }
      }
      ++queries;
    }
  };
  std::thread plain(read, false);
  std::thread with_metadata(read, true);
  // On a busy machine the readers may start late: writing goes on until they have read.
  bool written = true;
  for (int round = 2; written && (round < 150 || (queries <= 10 && round < 100'000)); ++round) {
    written = index.upsert(batch_with(static_cast<float>(round))).ok();
  }
  stop = true;
  plain.join();
  with_metadata.join();
  EXPECT_TRUE(written);
  EXPECT_EQ(mixed, 0);
  EXPECT_GT(queries, 10);
}

TEST_F(StoredIndexTest, WritersOfSeveralThreadsAllCount) {
  Index& index = open(3);
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&index, writer] {
      for (int at = 0; at < 25; ++at) {
        const std::string id = std::to_string(writer) + "/" + std::to_string(at);
        ASSERT_TRUE(index.insert(batch_of({{id, {1, 2, 3}}})).ok());
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(index.stats().vector_count, 100U);
  EXPECT_EQ(index.stats().mutation, 100U);
}

}  // namespace
}  // namespace selvedge::vectors
