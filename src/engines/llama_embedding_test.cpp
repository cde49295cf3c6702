// Tests of embeddings on a miniature encoder: shapes, packing, cutting, pooling.
#include "engines/llama_embedding.h"

#include <cmath>

#include <gtest/gtest.h>

#include "engines/test_models.h"

namespace selvedge::engines {
namespace {

class LlamaEmbeddingTest : public testing::Test {
 protected:
  void SetUp() override {
    auto model = open_test_model(kRandomBge);
    ASSERT_NE(model, nullptr);
    const wire::Load load{"", wire::ModelKind::embedding, 0, 1, 2};
    auto engine = LlamaEmbedding::open(model, load);
    ASSERT_TRUE(engine.ok()) << engine.error().message;
    engine_ = std::move(*engine);
    engine_->set_threads(1);
  }
  void start(wire::TaskId task, std::vector<std::string> texts,
             wire::Pooling pooling = wire::Pooling::cls) {
    auto status = engine_->start_embed({task, std::move(texts), pooling});
    ASSERT_TRUE(status.ok()) << status.error().message;
  }
  // Steps to the end; the answers in their order.
  std::vector<wire::Embeddings> run() {
    std::vector<wire::Message> events;
    for (steps_ = 0; engine_->has_work(); ++steps_) {
      auto status = engine_->step(events);
      EXPECT_TRUE(status.ok()) << status.error().message;
      if (!status.ok()) break;
    }
    std::vector<wire::Embeddings> answers;
    for (auto& event : events) answers.push_back(std::get<wire::Embeddings>(event));
    return answers;
  }
  wire::Embeddings embed(std::vector<std::string> texts,
                         wire::Pooling pooling = wire::Pooling::cls) {
    start(1, std::move(texts), pooling);
    auto answers = run();
    EXPECT_EQ(answers.size(), 1u);
    return answers.empty() ? wire::Embeddings() : answers[0];
  }
  static double dot(const wire::Embeddings& left, std::size_t left_row,
                    const wire::Embeddings& right, std::size_t right_row) {
    const auto dimensions = static_cast<std::size_t>(left.dimensions);
    double sum = 0;
    for (std::size_t at = 0; at < dimensions; ++at) {
      sum += double(left.values[left_row * dimensions + at]) *
             double(right.values[right_row * dimensions + at]);
    }
    return sum;
  }

  std::unique_ptr<LlamaEmbedding> engine_;
  int steps_ = 0;
};

TEST_F(LlamaEmbeddingTest, RowsHaveTheModelsDimensionsAndLengthOne) {
  const auto answer = embed({"warp and weft", "a ship at sea"});
  EXPECT_EQ(answer.dimensions, 768);
  ASSERT_EQ(answer.values.size(), 2u * 768u);
  EXPECT_NEAR(dot(answer, 0, answer, 0), 1, 1e-5);
  EXPECT_NEAR(dot(answer, 1, answer, 1), 1, 1e-5);
  EXPECT_LT(dot(answer, 0, answer, 1), 0.9999);
}

TEST_F(LlamaEmbeddingTest, CompanyInABatchChangesNothing) {
  for (const auto pooling : {wire::Pooling::cls, wire::Pooling::mean}) {
    const auto alone = embed({"warp and weft"}, pooling);
    const auto packed =
        embed({"a ship", "warp and weft", "a much longer text about the sea"}, pooling);
    EXPECT_GT(dot(alone, 0, packed, 1), 0.9999);
  }
}

TEST_F(LlamaEmbeddingTest, ManyTextsTakeSeveralStepsAndKeepTheirOrder) {
  std::vector<std::string> texts;
  for (int at = 0; at < 100; ++at) {
    texts.push_back("text number " + std::to_string(at) + " of a hundred about weaving");
  }
  const auto answer = embed(texts);
  EXPECT_GT(steps_, 1);
  const auto one = embed({texts[73]});
  EXPECT_GT(dot(one, 0, answer, 73), 0.9999);
}

TEST_F(LlamaEmbeddingTest, SeveralTasksAreAnsweredEach) {
  start(1, {"one"});
  start(2, {"two", "three"});
  const auto answers = run();
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].task, 1u);
  EXPECT_EQ(answers[1].task, 2u);
  EXPECT_EQ(answers[1].values.size(), 2u * 768u);
}

TEST_F(LlamaEmbeddingTest, LongTextsAreCutAtTheWindow) {
  std::string text;
  for (int at = 0; at < 2000; ++at) text += "thread ";
  const auto answer = embed({text, "short"});
  EXPECT_EQ(answer.token_counts[0], engine_->context_tokens());
  EXPECT_EQ(engine_->context_tokens(), 512);
  EXPECT_LT(answer.token_counts[1], 8);
  const auto longer = embed({text + "and more of it"});
  EXPECT_GT(dot(answer, 0, longer, 0), 0.9999);
}

TEST_F(LlamaEmbeddingTest, PoolingMakesADifference) {
  const auto first = embed({"warp and weft"}, wire::Pooling::cls);
  const auto mean = embed({"warp and weft"}, wire::Pooling::mean);
  EXPECT_LT(dot(first, 0, mean, 0), 0.9999);
}

TEST_F(LlamaEmbeddingTest, AnEmptyTextHasAVector) {
  const auto answer = embed({""});
  EXPECT_NEAR(dot(answer, 0, answer, 0), 1, 1e-5);
  EXPECT_EQ(answer.token_counts[0], 2);
}

TEST_F(LlamaEmbeddingTest, NoTextsGiveNoRows) {
  const auto answer = embed({});
  EXPECT_TRUE(answer.values.empty());
}

TEST_F(LlamaEmbeddingTest, ACancelledTaskIsDroppedBetweenBatches) {
  std::vector<std::string> texts(100, "a text about weaving that is long enough to take room");
  start(1, texts);
  start(2, {"quick"});
  std::vector<wire::Message> events;
  ASSERT_TRUE(engine_->step(events).ok());
  EXPECT_TRUE(events.empty());
  engine_->cancel(1, events);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(std::get<wire::Failed>(events[0]).code, Code::cancelled);
  const auto answers = run();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].task, 2u);
}

TEST_F(LlamaEmbeddingTest, MakesNoText) {
  auto status = engine_->start_generate({});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::model_unsupported);
}

TEST_F(LlamaEmbeddingTest, ADecoderIsRefused) {
  auto model = open_test_model(kTinyLlama3);
  ASSERT_NE(model, nullptr);
  auto engine = LlamaEmbedding::open(model, {});
  ASSERT_FALSE(engine.ok());
  EXPECT_EQ(engine.error().code, Code::model_unsupported);
}

}  // namespace
}  // namespace selvedge::engines
