// Tests of metered inference: what tasks of scripted runners are booked as, and when they are
// refused.
#include "inference/metered_inference.h"

#include <gtest/gtest.h>

#include "inference/inference_fixture.h"
#include "inference/price.h"

namespace selvedge::inference {
namespace {

class MeteredInferenceTest : public InferenceTest {
 protected:
  MeteredInferenceTest() {
    text_entry_.id = "@cf/text";
    text_entry_.prices.per_m_input_tokens = 1e6;
    text_entry_.prices.per_m_output_tokens = 2e6;
    embedding_entry_.id = "@cf/embed";
    embedding_entry_.prices.per_m_input_tokens = 1e6;
  }
  void create_metered(double daily_neurons_max = 0) {
    create();
    auto opened = catalog::UsageLedger::open(folder_, [] { return std::int64_t{86'400'000'000}; });
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    ledger_ = std::move(*opened);
    inference_ =
        std::make_unique<MeteredInference>(std::move(inference_), *ledger_, daily_neurons_max);
  }
  Completion generate(const Payer& payer) { return await(run(payer)); }
  asio::awaitable<Completion> run(Payer payer) {
    Completion completion;
    GenerateTask task = say("hello there");
    task.payer = std::move(payer);
    auto opened = co_await inference_->generate(model("text"), std::move(task));
    if (!opened.ok()) {
      completion.error = opened.error();
      co_return completion;
    }
    while (!completion.last) {
      auto piece = co_await (*opened)->next();
      if (!piece.ok()) break;
      if (piece->last) completion.last = *piece;
    }
    co_return completion;
  }
  std::vector<catalog::ModelRow> rows() { return ledger_->model_rows("1970-01-02").value(); }

  std::unique_ptr<catalog::UsageLedger> ledger_;
};

TEST_F(MeteredInferenceTest, WhatAGenerationUsedIsBookedAtItsEnd) {
  create_metered();
  const Completion done = generate({"local", "key-1"});
  ASSERT_TRUE(done.last);
  ASSERT_EQ(rows().size(), 1u);
  const catalog::ModelRow row = rows().front();
  EXPECT_EQ(row.account, "local");
  EXPECT_EQ(row.key, "key-1");
  EXPECT_EQ(row.model, "@cf/text");
  EXPECT_EQ(row.use.calls, 1);
  EXPECT_GT(row.use.output_tokens, 0);
  EXPECT_EQ(row.use.output_tokens, done.last->usage.completion_tokens);
  EXPECT_DOUBLE_EQ(row.use.neurons, neurons_of(text_entry_, done.last->usage));
  await(inference_->shut_down());
}

TEST_F(MeteredInferenceTest, AStreamThatIsGivenUpIsBookedByWhatItUsedUntilThen) {
  create_metered();
  GenerateTask task = say("hello there [[tokens 500]] [[delay 2]]");
  task.payer = {"local", ""};
  auto opened = await(inference_->generate(model("text"), std::move(task)));
  ASSERT_TRUE(opened.ok());
  ASSERT_TRUE(await((*opened)->next()).ok());
  EXPECT_TRUE(rows().empty());
  opened->reset();
  ASSERT_TRUE(run_until([this] { return !rows().empty(); }));
  const catalog::ModelUse use = rows().front().use;
  EXPECT_EQ(use.calls, 1);
  EXPECT_GT(use.input_tokens, 0);
  EXPECT_GT(use.output_tokens, 0);
  EXPECT_LT(use.output_tokens, 500);
  EXPECT_DOUBLE_EQ(use.neurons,
                   neurons_of(text_entry_, {static_cast<std::int32_t>(use.input_tokens), 0,
                                            static_cast<std::int32_t>(use.output_tokens)}));
  await(inference_->shut_down());
  EXPECT_EQ(rows().front().use.calls, 1);
}

TEST_F(MeteredInferenceTest, AStreamWhoseEndNobodyReadIsBookedWhole) {
  create_metered();
  GenerateTask task = say("[[tokens 20]]");
  task.payer = {"local", ""};
  auto opened = await(inference_->generate(model("text"), std::move(task)));
  ASSERT_TRUE(opened.ok());
  ASSERT_TRUE(run_until([this] {
    const auto runners = inference_->status();
    return !runners.empty() && runners.front().state == RunnerState::ready &&
           runners.front().tasks_active == 0 && runners.front().tasks_waiting == 0;
  }));
  opened->reset();
  ASSERT_EQ(rows().size(), 1u);
  EXPECT_EQ(rows().front().use.output_tokens, 20);
  await(inference_->shut_down());
}

TEST_F(MeteredInferenceTest, AnEmulationIsToldAndBookedByItsTextAlone) {
  create_metered();
  GenerateTask task = say("much more than three tokens are in this prompt [[tokens 5]]");
  task.payer = {"local", ""};
  task.prompt_tokens_told = 3;
  auto opened = await(inference_->generate(model("text"), std::move(task)));
  ASSERT_TRUE(opened.ok());
  Usage told;
  for (bool last = false; !last;) {
    const auto piece = await((*opened)->next());
    ASSERT_TRUE(piece.ok());
    last = piece->last;
    told = piece->usage;
  }
  EXPECT_EQ(told.prompt_tokens, 3);
  EXPECT_EQ(rows().front().use.input_tokens, 3);
  EXPECT_EQ(rows().front().use.output_tokens, 5);
  EXPECT_DOUBLE_EQ(rows().front().use.neurons, 3 + 2 * 5);
  await(inference_->shut_down());
}

TEST_F(MeteredInferenceTest, AStreamThatIsGivenUpBeforeItBeganIsACallWithoutUse) {
  create_metered();
  GenerateTask task = say("hello");
  task.payer = {"local", ""};
  auto opened = await(inference_->generate(model("text"), std::move(task)));
  ASSERT_TRUE(opened.ok());
  opened->reset();
  ASSERT_EQ(rows().size(), 1u);
  EXPECT_EQ(rows().front().use.calls, 1);
  EXPECT_EQ(rows().front().use.neurons, 0);
  await(inference_->shut_down());
}

TEST_F(MeteredInferenceTest, EmbeddingsAreBookedAndTasksWithoutPayerAreNot) {
  create_metered();
  EmbedTask task;
  task.texts = {"one two", "three"};
  EXPECT_TRUE(await(inference_->embed(embedding_model("e"), task)).ok());
  EXPECT_TRUE(rows().empty());
  task.payer = {"a", ""};
  const auto embedded = await(inference_->embed(embedding_model("e"), task));
  ASSERT_TRUE(embedded.ok());
  ASSERT_EQ(rows().size(), 1u);
  EXPECT_EQ(rows().front().use.input_tokens, embedded->usage.prompt_tokens);
  EXPECT_DOUBLE_EQ(rows().front().use.neurons, embedded->usage.prompt_tokens);
  await(inference_->shut_down());
}

TEST_F(MeteredInferenceTest, TranscriptionsAndPicturesAreBookedWhenTheyAreDone) {
  create_metered();
  text_entry_.prices.per_audio_minute = 6;
  text_entry_.prices.units = {{"per_512_tile", 3}};
  TranscribeTask heard;
  heard.request.audio = std::string(320'000, ' ');  // Ten seconds.
  heard.payer = {"a", ""};
  auto transcribing = await(inference_->transcribe(model("speech"), heard));
  ASSERT_TRUE(transcribing.ok());
  ASSERT_TRUE(await(outcome_of(**transcribing)).ok());
  transcribing->reset();
  ASSERT_EQ(rows().size(), 1u);
  EXPECT_DOUBLE_EQ(rows().front().use.audio_s, 10);
  EXPECT_DOUBLE_EQ(rows().front().use.neurons, 1);
  DrawTask drawn;
  drawn.request.steps = 1;
  drawn.payer = {"a", ""};
  auto drawing = await(inference_->draw(model("picture"), drawn));
  ASSERT_TRUE(drawing.ok());
  ASSERT_TRUE(await(outcome_of(**drawing)).ok());
  drawing->reset();
  EXPECT_EQ(rows().front().use.calls, 2);
  EXPECT_EQ(rows().front().use.pictures, 1);
  EXPECT_DOUBLE_EQ(rows().front().use.neurons, 4);
  await(inference_->shut_down());
}

TEST_F(MeteredInferenceTest, AnAccountWhoseDayIsSpentIsRefusedAndOthersAreNot) {
  create_metered(1);
  EXPECT_TRUE(generate({"local", ""}).last);
  EXPECT_TRUE(generate({"local", ""}).failed_with(Code::daily_budget_used));
  EXPECT_TRUE(generate({"other", ""}).last);
  EXPECT_TRUE(generate({}).last);
  await(inference_->shut_down());
}

}  // namespace
}  // namespace selvedge::inference
