// Tests of metadata indexes: their life, what a filter finds through them, and agreement with a
// plain evaluator of every condition.
#include <atomic>
#include <map>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "vectors/compiled_filter.h"
#include "vectors/fixtures.h"
#include "vectors/plain_filter.h"
#include "vectors/property_value.h"

namespace selvedge::vectors {
namespace {

using fixtures::batch_of;
using fixtures::ids_of;
using Ids = std::vector<std::string>;

constexpr std::size_t kMax = 3;
const std::vector<float> kQuery = {1, 0};

class MetadataIndexesTest : public testing::Test {
 protected:
  void SetUp() override { reopen(); }
  void reopen() {
    opened_ = {};
    opened_ = fixtures::open_index(folder_.path(), 2, Metric::cosine, fixtures::read_pairs);
  }
  Index& index() { return *opened_.index; }
  void create(const std::string& property, PropertyType type, bool with_written = true) {
    ASSERT_TRUE(index().create_metadata_index(property, type, with_written, kMax).ok());
  }
  Ids found(Filter filter, std::optional<std::string> partition = std::nullopt) {
    QueryOptions options{.top_k = 1'000, .partition = std::move(partition)};
    options.filter = std::move(filter);
    auto ids = ids_of(index().query(kQuery, options));
    std::sort(ids.begin(), ids.end());
    return ids;
  }
  Ids where(const std::string& property, Comparison comparison,
            std::vector<PropertyValue> operands) {
    return found({{{property, comparison, std::move(operands)}}});
  }

  fixtures::TemporaryFolder folder_;
  fixtures::Opened opened_;
};

TEST_F(MetadataIndexesTest, AreListedInTheOrderOfCreationAndSurviveAReopening) {
  create("b", PropertyType::number);
  create("a.x", PropertyType::string, false);
  for (int round = 0; round < 2; ++round) {
    const auto indexes = index().metadata_indexes();
    ASSERT_EQ(indexes.size(), 2U);
    EXPECT_EQ(indexes[0].property, "b");
    EXPECT_EQ(indexes[0].type, PropertyType::number);
    EXPECT_EQ(indexes[0].written_after, 0U);
    EXPECT_EQ(indexes[1].property, "a.x");
    EXPECT_EQ(indexes[1].written_after, 2U);
    reopen();
  }
}

TEST_F(MetadataIndexesTest, EachChangeIsAMutation) {
  EXPECT_EQ(index().create_metadata_index("a", PropertyType::string, true, kMax).value(), 1U);
  EXPECT_EQ(index().create_metadata_index("a", PropertyType::string, true, kMax).value(), 2U);
  EXPECT_EQ(index().delete_metadata_index("a").value(), 3U);
  EXPECT_EQ(index().stats().mutation, 3U);
  EXPECT_GT(index().stats().mutation_us, 0);
  EXPECT_EQ(index().delete_metadata_index("a").error().code, Code::metadata_index_not_found);
  EXPECT_EQ(index().stats().mutation, 3U);
  reopen();
  EXPECT_EQ(index().stats().mutation, 3U);
  EXPECT_TRUE(index().metadata_indexes().empty());
}

TEST_F(MetadataIndexesTest, MoreThanTheyMayBeAreRefusedButNotTheSameAgain) {
  for (const char* property : {"a", "b", "c"}) create(property, PropertyType::string);
  const auto fourth = index().create_metadata_index("d", PropertyType::string, true, kMax);
  EXPECT_EQ(fourth.error().code, Code::too_many_metadata_indexes);
  create("b", PropertyType::number);
  EXPECT_EQ(index().metadata_indexes()[1].type, PropertyType::number);
  ASSERT_TRUE(index().delete_metadata_index("a").ok());
  create("d", PropertyType::string);
  EXPECT_EQ(index().metadata_indexes()[2].property, "d");
}

TEST_F(MetadataIndexesTest, WrittenVectorsComeInOrWaitUntilTheyAreWrittenAgain) {
  ASSERT_TRUE(
      index().insert(batch_of({{"old", {1, 0}, "p=x;q=x"}, {"older", {1, 0}, "p=x"}})).ok());
  create("p", PropertyType::string, false);
  create("q", PropertyType::string, true);
  ASSERT_TRUE(index().insert(batch_of({{"new", {1, 0}, "p=x;q=x"}, {"old", {0, 1}, "p=x"}})).ok());
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(where("p", Comparison::eq, {"x"}), (Ids{"new"}));
    EXPECT_EQ(where("p", Comparison::ne, {"x"}), (Ids{"old", "older"}));
    EXPECT_EQ(where("q", Comparison::eq, {"x"}), (Ids{"new", "old"}));
    reopen();
  }
  ASSERT_TRUE(index().upsert(batch_of({{"old", {1, 0}, "p=x"}})).ok());
  EXPECT_EQ(where("p", Comparison::eq, {"x"}), (Ids{"new", "old"}));
  EXPECT_EQ(where("q", Comparison::eq, {"x"}), (Ids{"new"}));
  create("p", PropertyType::string, false);  // The same again changes nothing.
  EXPECT_EQ(where("p", Comparison::eq, {"x"}), (Ids{"new", "old"}));
  create("p", PropertyType::string, true);
  EXPECT_EQ(where("p", Comparison::eq, {"x"}), (Ids{"new", "old", "older"}));
}

TEST_F(MetadataIndexesTest, APropertyWithoutAnIndexIsFalseOfAll) {
  ASSERT_TRUE(index().insert(batch_of({{"v", {1, 0}, "p=x"}})).ok());
  EXPECT_TRUE(where("p", Comparison::eq, {"x"}).empty());
  EXPECT_TRUE(where("p", Comparison::ne, {"y"}).empty());
  EXPECT_EQ(found({}), (Ids{"v"}));
  create("p", PropertyType::string);
  EXPECT_EQ(where("p", Comparison::ne, {"y"}), (Ids{"v"}));
  EXPECT_TRUE(found({{{"p", Comparison::eq, {"x"}}, {"q", Comparison::ne, {"y"}}}}).empty());
  ASSERT_TRUE(index().delete_metadata_index("p").ok());
  EXPECT_TRUE(where("p", Comparison::eq, {"x"}).empty());
}

TEST_F(MetadataIndexesTest, ThePartitionComesFirst) {
  create("p", PropertyType::number);
  ASSERT_TRUE(index()
                  .insert(batch_of({{"a", {1, 0}, "p=#1", "one"},
                                    {"b", {1, 0}, "p=#1", "two"},
                                    {"c", {1, 0}, "p=#2", "one"}}))
                  .ok());
  EXPECT_EQ(found({{{"p", Comparison::gte, {1.0}}}}, "one"), (Ids{"a", "c"}));
  EXPECT_EQ(found({{{"p", Comparison::eq, {1.0}}}}, "two"), (Ids{"b"}));
  EXPECT_TRUE(found({{{"p", Comparison::eq, {1.0}}}}, "none").empty());
}

TEST_F(MetadataIndexesTest, TopKIsTakenFromThoseThatPass) {
  create("p", PropertyType::boolean);
  std::vector<fixtures::Vector> vectors;
  for (int at = 0; at < 500; ++at) {
    const auto angle = static_cast<float>(at) / 500;
    vectors.push_back(
        {"v" + std::to_string(1'000 + at), {1, angle}, at % 100 == 99 ? "p=?true" : ""});
  }
  ASSERT_TRUE(index().insert(batch_of(vectors)).ok());
  QueryOptions options{.top_k = 3};
  options.filter = Filter{{{"p", Comparison::eq, {true}}}};
  EXPECT_EQ(ids_of(index().query(kQuery, options)), (Ids{"v1099", "v1199", "v1299"}));
}

TEST_F(MetadataIndexesTest, WhatTheIndexesHoldComesWithTheMatch) {
  create("text", PropertyType::string);
  create("number", PropertyType::number);
  create("truth", PropertyType::boolean);
  const std::string longer(100, 'x');
  ASSERT_TRUE(
      index().insert(batch_of({{"v", {1, 0}, "text=" + longer + ";number=#2;other=x"}})).ok());
  for (const bool with_metadata : {false, true}) {
    QueryOptions options{.with_metadata = with_metadata, .with_indexed = true};
    const auto matches = index().query(kQuery, options).value();
    ASSERT_EQ(matches.size(), 1U);
    ASSERT_EQ(matches[0].indexed.size(), 2U);
    EXPECT_EQ(matches[0].indexed[0].first, "text");
    EXPECT_EQ(matches[0].indexed[0].second, PropertyValue(std::string(64, 'x')));
    EXPECT_EQ(matches[0].indexed[1].second, PropertyValue(2.0));
  }
}

TEST_F(MetadataIndexesTest, LongTextsAreComparedByTheirFirstBytes) {
  create("p", PropertyType::string);
  const std::string start(64, 'x');
  ASSERT_TRUE(index().insert(batch_of({{"v", {1, 0}, "p=" + start + "abc"}})).ok());
  EXPECT_EQ(where("p", Comparison::eq, {start + "other"}), (Ids{"v"}));
  EXPECT_EQ(where("p", Comparison::lte, {start}), (Ids{"v"}));
  EXPECT_TRUE(where("p", Comparison::gt, {start + "a"}).empty());
}

TEST(CompiledFilter, AgreesWithAPlainEvaluatorInEveryCase) {
  constexpr std::size_t kRows = 40;
  plain::Random random(7);
  const std::vector<std::string> named = {"p", "q", "p", "q", "p", "q", "unknown"};
  std::size_t cases = 0;
  std::size_t passed = 0;
  for (int round = 0; round < 5'000; ++round) {
    std::vector<MetadataIndex> indexes;
    for (const char* property : {"p", "q"}) {
      indexes.push_back({property, static_cast<PropertyType>(random() % 3), 0});
    }
    const Properties properties(indexes);
    std::vector<std::shared_ptr<Column>> columns;
    std::vector<std::vector<PropertyValue>> raw(2);
    for (std::size_t at = 0; at < 2; ++at) {
      columns.push_back(std::make_shared<Column>(indexes[at].type, kRows));
      for (std::size_t row = 0; row < kRows; ++row) {
        // A row is set twice where it has another occupant.
        if (random() % 2 == 0) {
          columns[at]->set(row, as_type(indexes[at].type, plain::random_value(random)));
        }
        raw[at].push_back(plain::random_value(random));
        const PropertyValue value = as_type(indexes[at].type, raw[at].back());
        columns[at]->set(row, value);
        ASSERT_EQ(columns[at]->value(row), value);
      }
    }
    const Filter filter = plain::random_filter(random, named, 3);
    std::vector<std::uint32_t> expected;
    std::vector<std::uint32_t> rows(kRows);
    const CompiledFilter compiled(filter, properties);
    for (std::uint32_t row = 0; row < kRows; ++row) {
      rows[row] = row;
      const bool passes =
          plain::passes(filter, indexes, [&](std::size_t at) { return raw[at][row]; });
      if (passes) expected.push_back(row);
      if (row % 8 != 0) continue;
      const std::vector<PropertyValue> values = {columns[0]->value(row), columns[1]->value(row)};
      ASSERT_EQ(compiled.matches(values), passes);
    }
    compiled.narrow(columns, rows);
    ASSERT_EQ(rows, expected) << "round " << round;
    cases += kRows;
    passed += rows.size();
  }
  EXPECT_EQ(cases, 200'000U);
  EXPECT_GT(passed, cases / 10);  // Else little was told apart.
  EXPECT_LT(passed, cases * 9 / 10);
}

TEST(CompiledFilter, WhatHasNoIndexIsNotMadeTrueByANegation) {
  const std::vector<MetadataIndex> indexes = {{"p", PropertyType::string, 0}};
  const Condition known{"p", Comparison::eq, {std::string("x")}};
  const Condition unknown{"q", Comparison::eq, {std::string("x")}};
  const auto passes = [&](const Filter& filter) {
    return CompiledFilter(filter, Properties(indexes))
        .matches(std::vector<PropertyValue>{std::string("x")});
  };
  EXPECT_FALSE(passes({{unknown}}));
  EXPECT_FALSE(passes({{}, {{true, {{{unknown}}}}}}));
  EXPECT_TRUE(passes({{}, {{false, {{{unknown}}, {{known}}}}}}));
  EXPECT_FALSE(passes({{}, {{true, {{{known, unknown}}}}}}));
  const Condition other{"p", Comparison::eq, {std::string("y")}};
  EXPECT_TRUE(passes({{}, {{true, {{{other, unknown}}}}}}));  // False, whatever q is.
}

TEST_F(MetadataIndexesTest, ArraysAreKnownToExistsAndContainsAlone) {
  create("p", PropertyType::string);
  create("n", PropertyType::number);
  ASSERT_TRUE(index()
                  .insert(batch_of({{"list", {1, 0}, "p=[red,blue];n=[#1,#2.5]"},
                                    {"text", {1, 0}, "p=reddish;n=#2.5"},
                                    {"none", {1, 0}, "x=y"}}))
                  .ok());
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(where("p", Comparison::contains, {"red"}), (Ids{"list", "text"}));
    EXPECT_EQ(where("p", Comparison::contains, {"ish"}), (Ids{"text"}));
    EXPECT_EQ(where("p", Comparison::contains, {"lue"}), (Ids{}));
    EXPECT_EQ(where("n", Comparison::contains, {2.5}), (Ids{"list"}));
    EXPECT_EQ(where("p", Comparison::exists, {true}), (Ids{"list", "text"}));
    EXPECT_EQ(where("n", Comparison::exists, {false}), (Ids{"none"}));
    EXPECT_EQ(where("p", Comparison::eq, {"red"}), (Ids{}));
    EXPECT_EQ(where("p", Comparison::ne, {"red"}), (Ids{"list", "none", "text"}));
    EXPECT_EQ(where("n", Comparison::gte, {1.0}), (Ids{"text"}));
    reopen();
  }
  for (const bool with_metadata : {false, true}) {
    QueryOptions options{.with_metadata = with_metadata, .with_indexed = true};
    options.filter = Filter{{{"n", Comparison::contains, {1.0}}}};
    const auto matches = index().query(kQuery, options).value();
    ASSERT_EQ(matches.size(), 1U);
    EXPECT_TRUE(matches[0].indexed.empty());
  }
}

// Every vector says in its metadata what round wrote it; no query may mix two rounds' answers, nor
// return a vector of which its filter is false.
TEST_F(MetadataIndexesTest, ReadersWithFiltersSeeOnlyWhatPassesWhileWritersReplace) {
  create("even", PropertyType::boolean);
  std::atomic<bool> stop = false;
  std::atomic<int> queries = 0;
  const auto read = [&](bool with_metadata) {
    while (!stop) {
      for (const bool even : {false, true}) {
        QueryOptions options{.top_k = 50, .with_metadata = with_metadata, .with_indexed = true};
        options.filter = Filter{{{"even", Comparison::eq, {even}}}};
        const auto matches = index().query(kQuery, options);
        ASSERT_TRUE(matches.ok());
        for (const Match& match : matches.value()) {
          ASSERT_EQ(match.indexed.at(0).second, PropertyValue(even));
          if (!with_metadata) continue;
          ASSERT_NE(match.metadata.find(even ? "?true" : "?false"), std::string::npos);
        }
        ++queries;
      }
    }
  };
  std::thread plain(read, false);
  std::thread with_metadata(read, true);
  for (int round = 0; round < 150 || queries < 20; ++round) {
    std::vector<fixtures::Vector> vectors;
    for (int at = 0; at < 30; ++at) {
      const bool even = (round + at) % 2 == 0;
      vectors.push_back({std::to_string(at),
                         {1, static_cast<float>(at + round)},
                         even ? "even=?true" : "even=?false"});
    }
    EXPECT_TRUE(index().upsert(batch_of(vectors)).ok());
    if (round % 10 == 5) {
      create("round", PropertyType::number, round % 20 == 5);
      EXPECT_TRUE(index().erase(Ids{"3", "4"}).ok());
      EXPECT_TRUE(index().delete_metadata_index("round").ok());
    }
  }
  stop = true;
  plain.join();
  with_metadata.join();
  EXPECT_EQ(where("even", Comparison::eq, {true}).size(), 15U);
}

TEST_F(MetadataIndexesTest, ColumnsFollowTheirRowsWhenChunksAreLeftBehind) {
  create("p", PropertyType::number);
  create("t", PropertyType::string);
  std::mt19937 random(3);
  std::map<std::string, int> model;
  for (int round = 0; round < 60; ++round) {
    std::vector<fixtures::Vector> vectors;
    for (int at = 0; at < 200; ++at) {
      const std::string id = std::to_string(random() % 1'500);
      const int value = static_cast<int>(random() % 10);
      vectors.push_back(
          {id, {1, 1}, "p=#" + std::to_string(value) + ";t=" + std::to_string(value)});
      model[id] = value;
    }
    ASSERT_TRUE(index().upsert(batch_of(vectors)).ok());
  }
  for (int value = 0; value < 10; ++value) {
    Ids expected;
    for (const auto& [id, held] : model) {
      if (held == value) expected.push_back(id);
    }
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(where("p", Comparison::eq, {static_cast<double>(value)}), expected);
    EXPECT_EQ(where("t", Comparison::eq, {std::to_string(value)}), expected);
  }
}

}  // namespace
}  // namespace selvedge::vectors
