// Tests of ranking: probabilities, order, labels.
#include "api/ranking.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace selvedge::api {
namespace {

using nlohmann::json;

catalog::ModelEntry entry(const std::string& id) {
  catalog::ModelEntry entry;
  entry.id = id;
  entry.task = catalog::Task::text_classification;
  return entry;
}

TEST(Ranking, AQueryAndItsContextsAreRead) {
  const auto call =
      parse_rank({{"query", "q"}, {"contexts", {{{"text", "a"}}, {{"text", "b"}}}}, {"top_k", 1}},
                 entry("@cf/baai/bge-reranker-base"));
  ASSERT_TRUE(call.ok()) << call.error().message;
  EXPECT_EQ(call->task.query, "q");
  EXPECT_EQ(call->task.texts, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(call->top_k, 1U);
}

TEST(Ranking, AClassifierHasATextAndNoQuery) {
  const auto call = parse_rank({{"text", "fine"}}, entry("@cf/huggingface/distilbert-sst-2-int8"));
  ASSERT_TRUE(call.ok());
  EXPECT_EQ(call->task.query, "");
  EXPECT_EQ(call->task.texts, (std::vector<std::string>{"fine"}));
}

TEST(Ranking, MoreContextsThanACallMayHaveAreRefused) {
  json contexts = json::array();
  for (int at = 0; at < 1001; ++at) contexts.push_back({{"text", "a"}});
  const auto call =
      parse_rank({{"query", "q"}, {"contexts", contexts}}, entry("@cf/baai/bge-reranker-base"));
  ASSERT_FALSE(call.ok());
  EXPECT_EQ(call.error().code, Code::invalid_input);
}

TEST(Ranking, TheBestComeFirstAndEqualOnesInTheirOrder) {
  inference::Ranks ranks;
  ranks.scores = {-1, 3, 0, 3};
  const auto best = best_texts(ranks, std::nullopt);
  ASSERT_TRUE(best.ok());
  std::vector<std::size_t> order;
  for (const RankedText& text : *best) order.push_back(text.at);
  EXPECT_EQ(order, (std::vector<std::size_t>{1, 3, 2, 0}));
  EXPECT_NEAR((*best)[0].score, 0.9525741268224334, 1e-12);
  EXPECT_DOUBLE_EQ((*best)[2].score, 0.5);
  EXPECT_EQ(best_texts(ranks, 2)->size(), 2U);
  EXPECT_EQ(best_texts(ranks, 9)->size(), 4U);
}

TEST(Ranking, ScoresBeyondWhatAProbabilityShowsKeepTheirOrder) {
  inference::Ranks ranks;
  ranks.scores = {800, 900, -800};
  const auto best = best_texts(ranks, std::nullopt);
  EXPECT_EQ((*best)[0].at, 1U);
  EXPECT_EQ((*best)[0].score, 1);
  EXPECT_EQ((*best)[2].score, 0);
}

TEST(Ranking, WeightsThatLabelRankNothing) {
  inference::Ranks ranks;
  ranks.labels = {"NEGATIVE", "POSITIVE"};
  ranks.scores = {1, 2};
  EXPECT_EQ(best_texts(ranks, std::nullopt).error().code, Code::model_unsupported);
}

TEST(Ranking, LabelsAreAPartOfOneEach) {
  inference::Ranks ranks;
  ranks.labels = {"NEGATIVE", "POSITIVE"};
  ranks.scores = {-700, 700};
  auto told = json::parse(labels_result(ranks));
  EXPECT_EQ(told[0]["label"], "NEGATIVE");
  EXPECT_EQ(told[1]["score"], 1);
  ranks.scores = {1, 1};
  told = json::parse(labels_result(ranks));
  EXPECT_EQ(told[0]["score"], 0.5);
  ranks = {};
  ranks.scores = {0};
  EXPECT_EQ(json::parse(labels_result(ranks)), json::parse(R"([{"label":"LABEL_0","score":0.5}])"));
}

}  // namespace
}  // namespace selvedge::api
