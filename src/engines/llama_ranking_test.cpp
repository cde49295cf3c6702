// Tests of ranking on miniature encoders: pairs, packing, cutting, labels.
#include "engines/llama_ranking.h"

#include <cmath>

#include <gtest/gtest.h>

#include "engines/llama_embedding.h"
#include "engines/test_files.h"
#include "engines/test_models.h"

namespace selvedge::engines {
namespace {

std::unique_ptr<LlamaRanking> open_ranking(const char* file) {
  auto model = open_test_model(file);
  if (model == nullptr) return nullptr;
  auto engine =
      LlamaRanking::open(model, {test_model_path(file), wire::ModelKind::ranking, 0, 1, 2});
  if (!engine.ok()) {
    ADD_FAILURE() << engine.error().message;
    return nullptr;
  }
  (*engine)->set_threads(1);
  return std::move(*engine);
}

std::vector<wire::Message> run(LlamaRanking& engine, int* steps = nullptr) {
  std::vector<wire::Message> events;
  while (engine.has_work()) {
    auto status = engine.step(events);
    EXPECT_TRUE(status.ok()) << status.error().message;
    if (!status.ok()) break;
    if (steps != nullptr) ++*steps;
  }
  return events;
}

wire::Ranks rank(LlamaRanking& engine, std::string query, std::vector<std::string> texts) {
  auto status = engine.start_rank({1, std::move(query), std::move(texts)});
  EXPECT_TRUE(status.ok()) << status.error().message;
  auto events = run(engine);
  EXPECT_EQ(events.size(), 1u);
  return events.empty() ? wire::Ranks() : std::get<wire::Ranks>(events[0]);
}

std::string many_words(int count) {
  std::string text;
  for (int at = 0; at < count; ++at) text += "thread ";
  return text;
}

class LlamaRankingTest : public testing::Test {
 protected:
  void SetUp() override {
    engine_ = open_ranking(kRandomReranker);
    ASSERT_NE(engine_, nullptr);
  }
  std::unique_ptr<LlamaRanking> engine_;
};

TEST_F(LlamaRankingTest, EachTextHasOneScoreThatHangsOnBothTexts) {
  const auto ranks = rank(*engine_, "what is warp?", {"threads that run along", "a ship at sea"});
  ASSERT_EQ(ranks.scores.size(), 2u);
  EXPECT_TRUE(ranks.labels.empty());
  EXPECT_GT(std::abs(ranks.scores[0] - ranks.scores[1]), 1e-3);
  const auto other = rank(*engine_, "what floats?", {"threads that run along"});
  EXPECT_GT(std::abs(ranks.scores[0] - other.scores[0]), 1e-3);
}

TEST_F(LlamaRankingTest, CompanyInABatchChangesNothing) {
  const auto alone = rank(*engine_, "what is warp?", {"threads"});
  std::vector<std::string> texts(150, "other words, of another length altogether");
  texts[120] = "threads";
  const auto packed = rank(*engine_, "what is warp?", texts);
  ASSERT_EQ(packed.scores.size(), 150u);
  EXPECT_NEAR(packed.scores[120], alone.scores[0], 1e-3);
  EXPECT_NEAR(packed.scores[0], packed.scores[149], 1e-3);
  EXPECT_EQ(packed.token_counts[120], alone.token_counts[0]);
}

TEST_F(LlamaRankingTest, APairIsMarkedAsItWasTrained) {
  // [CLS] warp [SEP] weft [SEP]
  const auto ranks = rank(*engine_, "the", {"sea"});
  EXPECT_EQ(ranks.token_counts[0], 5);
}

TEST_F(LlamaRankingTest, TheLongerTextIsCutAndTheShorterOneStaysWhole) {
  const auto cut = rank(*engine_, "what is warp?", {many_words(2000), many_words(3000)});
  EXPECT_EQ(cut.token_counts[0], 512);
  EXPECT_NEAR(cut.scores[0], cut.scores[1], 1e-4);
  const auto asked_at_length = rank(*engine_, many_words(2000), {"the sea", "a ship"});
  EXPECT_EQ(asked_at_length.token_counts[0], 512);
  EXPECT_GT(std::abs(asked_at_length.scores[0] - asked_at_length.scores[1]), 1e-5);
}

TEST_F(LlamaRankingTest, SeveralTasksAreAnsweredEachAndACancelledOneIsDropped) {
  std::vector<wire::Message> events;
  ASSERT_TRUE(
      engine_->start_rank({1, "q", std::vector<std::string>(200, "a text about the sea")}).ok());
  ASSERT_TRUE(engine_->start_rank({2, "q", {"x"}}).ok());
  ASSERT_TRUE(engine_->start_rank({3, "q", {"x", "y"}}).ok());
  ASSERT_TRUE(engine_->step(events).ok());
  EXPECT_TRUE(events.empty());
  engine_->cancel(1, events);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(std::get<wire::Failed>(events[0]).code, Code::cancelled);
  const auto answers = run(*engine_);
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(std::get<wire::Ranks>(answers[0]).task, 2u);
  EXPECT_EQ(std::get<wire::Ranks>(answers[1]).scores.size(), 2u);
}

TEST_F(LlamaRankingTest, EmptyTextsHaveAScore) {
  EXPECT_EQ(rank(*engine_, "q", {""}).scores.size(), 1u);
  EXPECT_TRUE(rank(*engine_, "q", {}).scores.empty());
}

TEST(LlamaClassifierTest, ALabelHasAScoreEachAndTheHeadIsTheDistilledOne) {
  const auto engine = open_ranking(kRandomDistilbert);
  ASSERT_NE(engine, nullptr);
  const auto ranks = rank(*engine, "", {"a good thread", "a bad sea"});
  EXPECT_EQ(ranks.labels, (std::vector<std::string>{"NEGATIVE", "POSITIVE"}));
  ASSERT_EQ(ranks.scores.size(), 4u);
  // The last norm of the miniature model leaves vectors of length sqrt(64), so that the embedding
  // engine's unit vectors give back what the head saw.
  auto embedding = LlamaEmbedding::open(open_test_model(kRandomDistilbert), {});
  ASSERT_TRUE(embedding.ok()) << embedding.error().message;
  (*embedding)->set_threads(1);
  ASSERT_TRUE((*embedding)->start_embed({1, {"a bad sea"}, wire::Pooling::cls}).ok());
  std::vector<wire::Message> events;
  ASSERT_TRUE((*embedding)->step(events).ok());
  auto vector = std::get<wire::Embeddings>(events.at(0)).values;
  for (float& value : vector) value *= 8;
  auto head = ReluHead::read(test_model_path(kRandomDistilbert), 64);
  ASSERT_TRUE(head.ok()) << head.error().message;
  const auto scores = head->scores(vector);
  EXPECT_NEAR(scores[0], ranks.scores[2], 2e-2);
  EXPECT_NEAR(scores[1], ranks.scores[3], 2e-2);
  // What the layer would give without its ReLU is far from that.
  EXPECT_GT(std::abs(scores[0]) + std::abs(scores[1]), 0.1);
}

TEST(LlamaClassifierTest, EncodersWithoutAHeadAndDecodersAreRefused) {
  for (const char* file : {kRandomBge, kTinyLlama3}) {
    const auto model = open_test_model(file);
    ASSERT_NE(model, nullptr);
    auto engine =
        LlamaRanking::open(model, {test_model_path(file), wire::ModelKind::ranking, 0, 1, 1});
    ASSERT_FALSE(engine.ok());
    EXPECT_EQ(engine.error().code, Code::model_unsupported);
  }
}

TEST(ClassifierHeadTest, HeadsAreToldApart) {
  EXPECT_EQ(*head_kind_of(test_model_path(kRandomBge)), HeadKind::none);
  EXPECT_EQ(*head_kind_of(test_model_path(kRandomReranker)), HeadKind::in_graph);
  EXPECT_EQ(*head_kind_of(test_model_path(kRandomDistilbert)), HeadKind::relu);
  EXPECT_FALSE(ReluHead::read(test_model_path(kRandomDistilbert), 32).ok());
  EXPECT_FALSE(head_kind_of("/nowhere/at/all.gguf").ok());
}

}  // namespace
}  // namespace selvedge::engines
