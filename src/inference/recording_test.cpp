// Tests of recording and replaying: scripted runners once, and then files alone.
#include <algorithm>
#include <fstream>
#include <sstream>

#include "inference/inference_fixture.h"
#include "inference/recorded_catalog.h"
#include "inference/recording_folder.h"
#include "inference/recording_inference.h"
#include "inference/replay_inference.h"

namespace selvedge::inference {
namespace {

class RecordingTest : public InferenceTest {
 protected:
  RecordingTest() : recordings_(folder_ / "recordings") {
    text_entry_.id = "@cf/text";
    embedding_entry_.id = "@cf/embedding";
  }
  ~RecordingTest() override { pool_.join(); }

  void record() {
    create();
    inference_ = std::make_unique<RecordingInference>(
        std::move(inference_), RecordingFolder::create(recordings_).value(), pool_);
  }
  // From here on there is no runner.
  void replay() {
    await(inference_->shut_down());
    options_.runner = "/nonexistent";
    inference_ =
        std::make_unique<ReplayInference>(RecordingFolder::open(recordings_).value(), pool_);
  }
  std::vector<std::filesystem::path> files(const std::string& kind) const {
    std::vector<std::filesystem::path> found;
    for (const auto& each : std::filesystem::directory_iterator(recordings_)) {
      if (each.path().filename().string().starts_with(kind)) found.push_back(each.path());
    }
    return found;
  }
  // All that comes of a task that takes long.
  template <class Outcome>
  struct Heard {
    std::vector<std::pair<std::int32_t, std::int32_t>> steps;
    mutable std::optional<Outcome> outcome;
    std::optional<Error> error;
  };
  template <class Outcome>
  static asio::awaitable<Heard<Outcome>> work(
      asio::awaitable<Result<std::unique_ptr<WorkStream<Outcome>>>> opening) {
    Heard<Outcome> heard;
    auto opened = co_await std::move(opening);
    if (!opened.ok()) heard.error = opened.error();
    while (!heard.error && !heard.outcome) {
      auto event = co_await (*opened)->next();
      if (!event.ok()) {
        heard.error = event.error();
      } else if (event->outcome) {
        heard.outcome = std::move(event->outcome);
      } else {
        heard.steps.emplace_back(event->done, event->total);
      }
    }
    co_return heard;
  }
  void overwrite(const std::string& kind, const std::string& text) const {
    for (const auto& file : files(kind)) std::ofstream(file) << text;
  }

  std::filesystem::path recordings_;
  asio::thread_pool pool_{2};
};

TEST_F(RecordingTest, AStreamReplaysTheSamePiecesAndTheSameEnd) {
  record();
  const auto text = model("text");
  const auto told = await(complete(text, "[[tokens 20]] [[delay 2]]"));
  ASSERT_TRUE(told.last.has_value());
  EXPECT_EQ(files("generate-").size(), 1U);
  replay();
  const auto again = await(complete(text, "[[tokens 20]] [[delay 2]]"));
  ASSERT_TRUE(again.last.has_value()) << again.error->message;
  EXPECT_EQ(again.text, told.text);
  EXPECT_EQ(again.pieces, told.pieces);
  EXPECT_EQ(again.last->usage.completion_tokens, told.last->usage.completion_tokens);
}

TEST_F(RecordingTest, EqualGenerationsReplayInTheirOrderAndThenAnew) {
  record();
  const auto text = model("text");
  // Without a seed the scripted words are the same; what differs is how much was cached. So the
  // files are told apart by hand.
  await(complete(text, "[[say same]]"));
  await(complete(text, "[[say same]]"));
  const auto recorded = files("generate-");
  ASSERT_EQ(recorded.size(), 2U);
  for (const auto& file : recorded) {
    std::stringstream content;
    content << std::ifstream(file).rdbuf();
    std::string changed = content.str();
    const bool second = file.stem().string().ends_with("-2");
    const auto at = changed.rfind("same");
    ASSERT_NE(at, std::string::npos);
    std::ofstream(file) << changed.replace(at, 4, second ? "two" : "one");
  }
  replay();
  EXPECT_EQ(await(complete(text, "[[say same]]")).text, "one");
  EXPECT_EQ(await(complete(text, "[[say same]]")).text, "two");
  EXPECT_EQ(await(complete(text, "[[say same]]")).text, "one");
}

TEST_F(RecordingTest, VectorsAndTokensReplayWithoutTheModel) {
  record();
  const auto embedding = embedding_model("embedding");
  EmbedTask task;
  task.texts = {"one two", "三"};
  const auto vectors = await(inference_->embed(embedding, task));
  const auto tokens = await(inference_->tokenize(embedding, "one two three"));
  ASSERT_TRUE(vectors.ok() && tokens.ok());
  replay();
  const auto vectors_again = await(inference_->embed(embedding, task));
  ASSERT_TRUE(vectors_again.ok()) << vectors_again.error().message;
  EXPECT_EQ(vectors_again->values, vectors->values);
  EXPECT_EQ(vectors_again->dimensions, 768);
  const auto tokens_again = await(inference_->tokenize(embedding, "one two three"));
  ASSERT_TRUE(tokens_again.ok());
  EXPECT_EQ(tokens_again->ids, tokens->ids);
  EXPECT_EQ(tokens_again->ends, tokens->ends);
}

TEST_F(RecordingTest, ATranscriptionReplaysWithHowFarItSaidItWas) {
  record();
  TranscribeTask task;
  task.request.audio = "[[delay 5]] [[say Hello.]]" + std::string(64'000, ' ');
  const auto told = await(work(inference_->transcribe(model("speech"), task)));
  ASSERT_TRUE(told.outcome) << told.error->message;
  EXPECT_FALSE(told.steps.empty());
  TranscribeTask refused;
  refused.request.audio = "no audio";
  EXPECT_EQ(await(work(inference_->transcribe(model("speech"), refused))).error->code,
            Code::invalid_input);
  replay();
  const auto again = await(work(inference_->transcribe(model("speech"), task)));
  ASSERT_TRUE(again.outcome) << again.error->message;
  EXPECT_EQ(again.steps, told.steps);
  again.outcome->task = told.outcome->task;
  EXPECT_EQ(wire::encode(*again.outcome), wire::encode(*told.outcome));
  EXPECT_EQ(await(work(inference_->transcribe(model("speech"), refused))).error->code,
            Code::invalid_input);
}

TEST_F(RecordingTest, PicturesReplayInTheirOrderWithTheSeedsThatWereDrawn) {
  record();
  DrawTask task;
  task.request.prompt = "[[delay 5]]";
  task.request.steps = 2;
  const auto told = await(work(inference_->draw(model("picture"), task)));
  ASSERT_TRUE(told.outcome) << told.error->message;
  await(work(inference_->draw(model("picture"), task)));
  ASSERT_EQ(files("draw-").size(), 2U);
  task.request.image = "other";  // No picture at all: the input's fault.
  EXPECT_EQ(await(work(inference_->draw(model("picture"), task))).error->code, Code::invalid_input);
  replay();
  EXPECT_EQ(await(work(inference_->draw(model("picture"), task))).error->code, Code::invalid_input);
  task.request.image.clear();
  const auto again = await(work(inference_->draw(model("picture"), task)));
  ASSERT_TRUE(again.outcome) << again.error->message;
  EXPECT_EQ(again.steps, told.steps);
  EXPECT_EQ(again.outcome->pixels, told.outcome->pixels);
  EXPECT_EQ(again.outcome->seed, told.outcome->seed);
  EXPECT_EQ(again.outcome->width, 64);
  task.request.steps = 3;
  EXPECT_EQ(await(work(inference_->draw(model("picture"), task))).error->code, Code::not_found);
}

TEST_F(RecordingTest, FailuresOfTheInputAreRecordedThoseOfTheMachineAreNot) {
  record();
  const auto text = model("text");
  EXPECT_TRUE(
      await(complete(text, "[[fail context_overflow]]")).failed_with(Code::context_overflow));
  EXPECT_EQ(files("generate-").size(), 1U);
  EXPECT_TRUE(await(complete(text, "[[fail internal]]")).failed_with(Code::internal));
  EXPECT_EQ(files("generate-").size(), 1U);
  replay();
  EXPECT_TRUE(
      await(complete(text, "[[fail context_overflow]]")).failed_with(Code::context_overflow));
  EXPECT_TRUE(await(complete(text, "[[fail internal]]")).failed_with(Code::not_found));
}

TEST_F(RecordingTest, AStreamThatIsGivenUpIsNotRecorded) {
  record();
  {
    auto opened = await(open(model("text"), "[[tokens 500]] [[delay 5]]"));
    ASSERT_TRUE(opened.ok());
    ASSERT_TRUE(await((*opened)->next()).ok());
  }
  run_for(std::chrono::milliseconds(50));
  EXPECT_TRUE(files("").empty());
}

TEST_F(RecordingTest, ACallThatWasNotRecordedSaysSoWithModelNameAndWhatToDo) {
  record();
  replay();
  const auto missing = await(complete(model("text"), "hello"));
  ASSERT_TRUE(missing.failed_with(Code::not_found));
  GenerateTask task = say("hello");
  for (const std::string& part : {std::string("@cf/text"), asked_call(model("text"), task).name(),
                                  "--record " + recordings_.string()}) {
    EXPECT_NE(missing.error->message.find(part), std::string::npos) << missing.error->message;
  }
}

TEST_F(RecordingTest, ADamagedFileFailsItsCallAndNamesItself) {
  record();
  const auto text = model("text");
  await(complete(text, "[[say a]]"));
  for (const std::string& content :
       {std::string(), std::string("{"), std::string("[]"), std::string("{\"format\":3}"),
        std::string("\0\xFF", 2), std::string(100'000, '['),
        std::string(R"({"format":"selvedge-recording","version":2,"kind":"generate"})"),
        std::string(R"({"format":"selvedge-recording","version":1,"kind":"embed"})"),
        std::string(R"({"format":"selvedge-recording","version":1,"kind":"generate"})"),
        std::string(
            R"({"format":"selvedge-recording","version":1,"kind":"generate","answer":3})")}) {
    overwrite("generate-", content);
    replay();
    const auto failed = await(complete(text, "[[say a]]"));
    ASSERT_TRUE(failed.failed_with(Code::corrupt_data)) << content.substr(0, 80);
    EXPECT_NE(failed.error->message.find("generate-"), std::string::npos);
  }
}

TEST_F(RecordingTest, WhatAnsweredForAModelIsNotedAndComesBackWithoutIt) {
  const auto folder = RecordingFolder::create(recordings_).value();
  catalog::Resolved resolved = embedding_model("weights-q4");
  resolved.stand_in = true;
  resolved.reader = false;
  resolved.query_prefix = "query: ";
  resolved.refuse_below_cjk = 0.25;
  resolved.drawing = {4, 1.5, "lcm", "sgm_uniform"};
  ASSERT_TRUE(folder->write_model(resolved).ok());
  const auto read = RecordingFolder::open(recordings_).value();
  const auto model = read->model(embedding_entry_);
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(model->answered_by, "weights-q4");
  EXPECT_EQ(model->entry, &embedding_entry_);
  EXPECT_TRUE(model->stand_in);
  EXPECT_FALSE(model->reader);
  EXPECT_EQ(model->query_prefix, "query: ");
  EXPECT_EQ(model->refuse_below_cjk, 0.25);
  EXPECT_EQ(model->drawing.steps, 4);
  EXPECT_EQ(model->drawing.guidance, 1.5);
  EXPECT_EQ(model->drawing.sampler, "lcm");
  EXPECT_EQ(model->drawing.scheduler, "sgm_uniform");
  EXPECT_EQ(read->model(text_entry_).error().code, Code::model_not_installed);
  overwrite("model-", "{}");
  EXPECT_EQ(RecordingFolder::open(recordings_).error().code, Code::corrupt_data);
}

TEST_F(RecordingTest, AFolderThatIsNotThereIsSaidSo) {
  EXPECT_EQ(RecordingFolder::open(folder_ / "none").error().code, Code::not_found);
  std::ofstream(folder_ / "file") << "x";
  EXPECT_EQ(RecordingFolder::create(folder_ / "file").error().code, Code::io);
}

}  // namespace
}  // namespace selvedge::inference
