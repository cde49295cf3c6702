// Local inference: streams, embeddings and tokens of models that are well.
#include "inference/local_inference.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "inference/inference_fixture.h"

namespace selvedge::inference {
namespace {

using std::chrono::milliseconds;

class LocalInferenceTest : public InferenceTest {};

TEST_F(LocalInferenceTest, ACompletionComesInPiecesAndEndsWithItsUsage) {
  create();
  const auto completion = await(complete(model("a.gguf"), "[[say one two three]] [[delay 10]]"));

  EXPECT_FALSE(completion.error);
  EXPECT_EQ(completion.text, "one two three");
  EXPECT_GT(completion.pieces, 1);
  ASSERT_TRUE(completion.last);
  EXPECT_EQ(completion.last->reason, wire::FinishReason::stop);
  EXPECT_EQ(completion.last->usage.completion_tokens, 3);
  EXPECT_GT(completion.last->usage.prompt_tokens, 0);
}

TEST_F(LocalInferenceTest, ALongerCompletionThanAllowedIsCutAndSaysSo) {
  create();
  const auto resolved = model("a.gguf");
  GenerateTask task = say("[[tokens 100]]");
  task.tokens_max = 5;
  auto opened = await(inference_->generate(resolved, std::move(task)));
  ASSERT_TRUE(opened.ok());
  std::optional<Piece> last;
  while (!last) {
    auto piece = await((*opened)->next());
    ASSERT_TRUE(piece.ok());
    if (piece->last) last = piece.value();
  }
  EXPECT_EQ(last->reason, wire::FinishReason::length);
  EXPECT_EQ(last->usage.completion_tokens, 5);
}

TEST_F(LocalInferenceTest, LogprobsComeWithThePiecesAndAddUpToTheText) {
  create();
  const auto resolved = model("a.gguf");
  GenerateTask task = say("[[say three 漢字 words]] [[bytes]] [[delay 1]]");
  task.sampling.logprobs = true;
  task.sampling.top_logprobs = 2;
  auto opened = await(inference_->generate(resolved, std::move(task)));
  ASSERT_TRUE(opened.ok());
  std::string text;
  std::string bytes;
  bool last = false;
  while (!last) {
    auto piece = await((*opened)->next());
    ASSERT_TRUE(piece.ok());
    text += piece->text;
    for (const auto& token : piece->logprobs) {
      bytes += token.bytes;
      EXPECT_EQ(token.top.size(), 2u);
    }
    EXPECT_EQ(bytes, text);
    last = piece->last;
  }
  EXPECT_EQ(text, "three 漢字 words");
}

TEST_F(LocalInferenceTest, ATaskThatWillNotWaitIsRefusedWhileAllPlacesAreTaken) {
  options_.sequences_max = 1;
  create();
  const auto resolved = model("a.gguf");
  const auto try_now = [&] {
    GenerateTask task = say("[[tokens 500]] [[delay 10]]");
    task.refuse_when_busy = true;
    return await(inference_->generate(resolved, std::move(task)));
  };
  {
    const auto first = try_now();
    ASSERT_TRUE(first.ok()) << "nothing else runs";
    const auto second = try_now();
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, Code::queue_full);
    EXPECT_TRUE(await(open(resolved, "hello")).ok()) << "others may wait";
  }
  ASSERT_TRUE(run_until([&] { return inference_->status().at(0).tasks_active == 0; }));
  EXPECT_TRUE(try_now().ok());
}

TEST_F(LocalInferenceTest, ManyStreamsOfTwoModelsAllGetTheirOwnText) {
  options_.sequences_max = 4;
  create();
  const auto first = model("a.gguf");
  const auto second = model("b.gguf");
  std::vector<std::shared_ptr<std::optional<Completion>>> all;
  for (int at = 0; at < 40; ++at) {
    const std::string prompt = "[[say text number " + std::to_string(at) + "]]";
    all.push_back(begin(complete(at % 2 == 0 ? first : second, prompt)));
  }
  for (std::size_t at = 0; at < all.size(); ++at) {
    ASSERT_TRUE(run_until([&] { return all[at]->has_value(); }));
    EXPECT_EQ((*all[at])->text, "text number " + std::to_string(at));
  }
  EXPECT_EQ(inference_->status().size(), 2u);
}

TEST_F(LocalInferenceTest, ATaskThatTheRunnerRefusesFailsAloneWithItsCode) {
  create();
  const auto resolved = model("a.gguf");
  const auto other = begin(complete(resolved, "[[tokens 20]] [[delay 5]]"));
  const auto failed = await(complete(resolved, "[[fail context_overflow]]"));

  EXPECT_TRUE(failed.failed_with(Code::context_overflow));
  ASSERT_TRUE(run_until([&] { return other->has_value(); }));
  EXPECT_FALSE((*other)->error);
}

TEST_F(LocalInferenceTest, EmbeddingsArePaddedWithZerosToWhatTheIdPromises) {
  create();
  const auto resolved = embedding_model("e.gguf");
  EmbedTask task;
  task.texts = {"first text", "second"};
  auto embedded = await(inference_->embed(resolved, std::move(task)));

  ASSERT_TRUE(embedded.ok()) << embedded.error().message;
  EXPECT_EQ(embedded->dimensions, 768);
  ASSERT_EQ(embedded->values.size(), 2u * 768);
  for (std::size_t row = 0; row < 2; ++row) {
    const float* values = embedded->values.data() + row * 768;
    float square = 0;
    for (std::size_t at = 0; at < 384; ++at) square += values[at] * values[at];
    EXPECT_NEAR(square, 1.0f, 1e-4f);
    for (std::size_t at = 384; at < 768; ++at) EXPECT_EQ(values[at], 0.0f);
  }
  EXPECT_GT(embedded->usage.prompt_tokens, 0);
}

TEST_F(LocalInferenceTest, AModelWithMoreDimensionsThanPromisedIsAnErrorThatSaysSo) {
  create();
  const auto resolved = embedding_model("dimensions-1024.gguf");
  EmbedTask task;
  task.texts = {"text"};
  auto embedded = await(inference_->embed(resolved, std::move(task)));

  ASSERT_FALSE(embedded.ok());
  EXPECT_EQ(embedded.error().code, Code::model_load_failed);
  EXPECT_NE(embedded.error().message.find("1024"), std::string::npos);
}

TEST_F(LocalInferenceTest, TheModelSeesThePrefixOfTheRole) {
  create();
  auto resolved = embedding_model("e.gguf");
  const auto embed_as = [&](EmbedRole role, std::string text) {
    EmbedTask task;
    task.role = role;
    task.texts = {std::move(text)};
    auto embedded = await(inference_->embed(resolved, std::move(task)));
    EXPECT_TRUE(embedded.ok());
    return embedded->values;
  };
  const auto query = embed_as(EmbedRole::plain, "query: cloth");
  const auto passage = embed_as(EmbedRole::plain, "passage: cloth");
  resolved.query_prefix = "query: ";
  resolved.passage_prefix = "passage: ";

  EXPECT_EQ(embed_as(EmbedRole::query, "cloth"), query);
  EXPECT_EQ(embed_as(EmbedRole::plain, "cloth"), query);
  EXPECT_EQ(embed_as(EmbedRole::passage, "cloth"), passage);
  EXPECT_NE(query, passage);
}

TEST_F(LocalInferenceTest, TokensEndWhereTheTextEnds) {
  create();
  const auto resolved = embedding_model("e.gguf");
  auto tokens = await(inference_->tokenize(resolved, "two words"));

  ASSERT_TRUE(tokens.ok());
  EXPECT_EQ(tokens->ids.size(), 2u);
  EXPECT_EQ(tokens->ends.back(), 9u);
}

TEST_F(LocalInferenceTest, AFullLineRefusesAtOnce) {
  options_.sequences_max = 1;
  options_.tasks_waiting_max = 2;
  create();
  const auto resolved = model("a.gguf");
  auto running = await(open(resolved, "[[tokens 500]] [[delay 10]]"));
  ASSERT_TRUE(running.ok());
  ASSERT_TRUE(await((*running)->next()).ok());
  const auto second = await(open(resolved, "hello"));
  const auto third = await(open(resolved, "hello"));
  ASSERT_TRUE(second.ok() && third.ok());

  const auto fourth = await(open(resolved, "hello"));
  ASSERT_FALSE(fourth.ok());
  EXPECT_EQ(fourth.error().code, Code::queue_full);
}

TEST_F(LocalInferenceTest, ADestroyedStreamStopsItsTokensAndFreesItsPlace) {
  options_.sequences_max = 1;
  create();
  const auto resolved = model("a.gguf");
  {
    auto running = await(open(resolved, "[[tokens 2000]] [[delay 10]]"));
    ASSERT_TRUE(await((*running)->next()).ok());
    EXPECT_EQ(inference_->status().at(0).tasks_active, 1u);
  }
  EXPECT_LT(ms_until([&] { return inference_->status().at(0).tasks_active == 0; }), 500);
  EXPECT_EQ(await(complete(resolved, "[[say next]]")).text, "next");
  EXPECT_EQ(inference_->status().at(0).restarts, 0u);
}

TEST_F(LocalInferenceTest, AStreamThatLeavesBeforeItsTurnLeavesTheLine) {
  options_.sequences_max = 1;
  create();
  const auto resolved = model("a.gguf");
  auto running = await(open(resolved, "[[tokens 500]] [[delay 10]]"));
  ASSERT_TRUE(await((*running)->next()).ok());
  {
    const auto waiting = await(open(resolved, "hello"));
    EXPECT_EQ(inference_->status().at(0).tasks_waiting, 1u);
  }
  EXPECT_EQ(inference_->status().at(0).tasks_waiting, 0u);
}

TEST_F(LocalInferenceTest, ACancelledCoroutineCancelsItsEmbedding) {
  create();
  const auto resolved = embedding_model("e.gguf");
  EmbedTask task;
  task.texts = {"[[delay 5000]]"};
  asio::cancellation_signal signal;
  std::optional<Result<Embeddings>> result;
  bool ended = false;
  asio::co_spawn(io_, keep(inference_->embed(resolved, std::move(task)), result),
                 asio::bind_cancellation_slot(signal.slot(),
                                              [&](const std::exception_ptr&) { ended = true; }));
  ASSERT_TRUE(run_until([&] {
    const auto all = inference_->status();
    return !all.empty() && all[0].tasks_active == 1;
  }));
  signal.emit(asio::cancellation_type::terminal);

  EXPECT_LT(ms_until([&] { return ended && inference_->status().at(0).tasks_active == 0; }), 500);
  if (result && !result->ok()) {
    EXPECT_EQ(result->error().code, Code::cancelled);
  }
}

TEST_F(LocalInferenceTest, ATaskThatTakesTooLongEndsWithItsDeadline) {
  options_.task_ms_max = 150;
  options_.sequences_max = 1;
  create();
  const auto resolved = model("a.gguf");
  const auto running = begin(complete(resolved, "[[tokens 2000]] [[delay 20]]"));
  const auto waiting = begin(complete(resolved, "[[tokens 2000]] [[delay 20]]"));

  EXPECT_LT(ms_until([&] { return running->has_value() && waiting->has_value(); }), 1'000);
  EXPECT_TRUE((*running)->failed_with(Code::deadline_exceeded));
  EXPECT_TRUE((*waiting)->failed_with(Code::deadline_exceeded));
  EXPECT_EQ(await(complete(resolved, "[[say next]]")).text, "next");
}

TEST_F(LocalInferenceTest, MoreBusyModelsThanCoresAllFinish) {
  options_.cores = 1;
  options_.slice_ms = 20;
  create();
  std::vector<std::shared_ptr<std::optional<Completion>>> all;
  for (const char* name : {"a.gguf", "b.gguf", "c.gguf"}) {
    all.push_back(begin(complete(model(name), "[[tokens 60]] [[delay 3]]")));
  }
  const bool finished = run_until([&] {
    std::int32_t threads = 0;
    for (const RunnerStatus& one : inference_->status()) threads += one.threads;
    EXPECT_LE(threads, 1);
    return std::ranges::all_of(all, [](const auto& one) { return one->has_value(); });
  });
  ASSERT_TRUE(finished);
  for (const auto& one : all) EXPECT_FALSE((*one)->error);
}

TEST_F(LocalInferenceTest, APictureTellsItsStepsAndComesLast) {
  create();
  const auto resolved = model("picture.gguf");
  DrawTask task;
  task.request.prompt = "[[delay 20]]";
  task.request.steps = 2;
  task.request.seed = 9;
  task.request.has_seed = true;
  auto opened = await(inference_->draw(resolved, task));
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  std::vector<std::int32_t> steps;
  std::optional<wire::Picture> picture;
  while (!picture) {
    auto event = await((*opened)->next());
    ASSERT_TRUE(event.ok()) << event.error().message;
    if (event->outcome) {
      picture = std::move(event->outcome);
    } else {
      EXPECT_EQ(event->total, 2);
      steps.push_back(event->done);
    }
  }
  EXPECT_FALSE(steps.empty());
  EXPECT_TRUE(std::is_sorted(steps.begin(), steps.end()));
  EXPECT_EQ(picture->seed, 9u);
  EXPECT_EQ(picture->pixels.size(), 64u * 64u * 3u);
}

// Their engines do one at a time, however many texts are written side by side.
TEST_F(LocalInferenceTest, SpeechThatWillNotWaitIsRefusedWhileOtherIsHeard) {
  options_.sequences_max = 8;
  create();
  const auto speech = model("speech.gguf");
  TranscribeTask task;
  task.refuse_when_busy = true;
  task.request.audio = "[[delay 20]] [[say Hello.]]" + std::string(160'000, ' ');
  const auto first = await(inference_->transcribe(speech, task));
  ASSERT_TRUE(first.ok()) << first.error().message;
  const auto second = await(inference_->transcribe(speech, task));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::queue_full);
}

TEST_F(LocalInferenceTest, ATranscriptionTellsItsSecondsAndComesLast) {
  create();
  TranscribeTask task;
  task.request.audio = "[[delay 20]] [[say Hello.]]" + std::string(160'000, ' ');
  auto opened = await(inference_->transcribe(model("speech.gguf"), task));
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  std::vector<std::int32_t> seconds;
  std::optional<wire::Transcript> transcript;
  while (!transcript) {
    auto event = await((*opened)->next());
    ASSERT_TRUE(event.ok()) << event.error().message;
    if (!event->outcome) seconds.push_back(event->done);
    transcript = std::move(event->outcome);
  }
  EXPECT_FALSE(seconds.empty());
  EXPECT_TRUE(std::is_sorted(seconds.begin(), seconds.end()));
  ASSERT_EQ(transcript->segments.size(), 1u);
  EXPECT_EQ(transcript->segments[0].text, " Hello.");
}

TEST_F(LocalInferenceTest, APictureMayTakeLongerThanATaskOfWords) {
  options_.task_ms_max = 50;
  create();
  DrawTask task;
  task.request.prompt = "[[delay 60]]";
  task.request.steps = 2;
  auto opened = await(inference_->draw(model("picture.gguf"), task));
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  while (true) {
    auto event = await((*opened)->next());
    ASSERT_TRUE(event.ok()) << event.error().message;
    if (event->outcome) break;
  }
}

TEST_F(LocalInferenceTest, AnotherPartOfAModelIsAnotherRunner) {
  create();
  auto resolved = model("picture.gguf");
  resolved.parts = {{"vae", model("first.gguf").path}};
  const auto draw = [&] {
    DrawTask task;
    task.request.steps = 1;
    auto opened = await(inference_->draw(resolved, task));
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    while (true) {
      auto event = await((*opened)->next());
      ASSERT_TRUE(event.ok()) << event.error().message;
      if (event->outcome) break;
    }
  };
  draw();
  const int first = pid_of("picture.gguf");
  draw();
  EXPECT_EQ(pid_of("picture.gguf"), first);
  resolved.parts = {{"vae", model("second.gguf").path}};
  draw();
  EXPECT_NE(pid_of("picture.gguf"), first);
  resolved.parts = {{"vae", folder_ / "none.gguf"}};
  auto opened = await(inference_->draw(resolved, DrawTask()));
  ASSERT_TRUE(opened.ok());
  const auto event = await((*opened)->next());
  ASSERT_FALSE(event.ok());
  EXPECT_EQ(event.error().code, Code::model_load_failed);
}

}  // namespace
}  // namespace selvedge::inference
