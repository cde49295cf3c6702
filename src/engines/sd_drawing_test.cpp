// Tests of drawing on the miniature model: seeds, grants, cancelling, pictures from pictures.
#include "engines/sd_drawing.h"

#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "engines/test_files.h"
#include "engines/test_pictures.h"

namespace selvedge::engines {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

wire::Load miniature() {
  return {test_model_path("tiny-flux-random.safetensors"),
          wire::ModelKind::image,
          0,
          1,
          2,
          {{"clip_l", test_model_path("random-clip-l.q4_0.gguf")},
           {"taesd", test_model_path("tiny-taef1-random.safetensors")}}};
}

class SdDrawingTest : public testing::Test {
 protected:
  // The model is opened once: its callbacks are global anyway.
  static void SetUpTestSuite() {
    log_ = std::make_unique<SdLog>();
    auto engine = SdDrawing::open(miniature(), *log_, [](float) { return true; });
    ASSERT_TRUE(engine.ok()) << engine.error().message;
    engine_ = std::move(*engine);
  }
  static void TearDownTestSuite() {
    engine_.reset();
    log_.reset();
  }
  void SetUp() override {
    ASSERT_NE(engine_, nullptr);
    engine_->set_threads(1);
  }

  static wire::Draw request(wire::TaskId task, std::string prompt, std::uint64_t seed = 7) {
    wire::Draw draw;
    draw.task = task;
    draw.prompt = std::move(prompt);
    draw.width = 64;
    draw.height = 64;
    draw.steps = 2;
    draw.guidance = 1;
    draw.seed = seed;
    draw.has_seed = true;
    return draw;
  }
  static void start(wire::Draw draw) {
    const auto status = engine_->start_draw(std::move(draw));
    ASSERT_TRUE(status.ok()) << status.error().message;
  }
  // Steps until there is no more to do.
  static std::vector<wire::Message> finish(milliseconds most = milliseconds(60'000)) {
    std::vector<wire::Message> events;
    const auto until = steady_clock::now() + most;
    while (engine_->has_work() && steady_clock::now() < until) {
      const auto status = engine_->step(events);
      EXPECT_TRUE(status.ok());
    }
    return events;
  }
  static wire::Picture draw(wire::Draw request) {
    start(std::move(request));
    auto events = finish();
    EXPECT_FALSE(events.empty());
    if (events.empty()) return {};
    if (const auto* failed = std::get_if<wire::Failed>(&events.back())) {
      ADD_FAILURE() << failed->message;
      return {};
    }
    return std::get<wire::Picture>(events.back());
  }

  static std::unique_ptr<SdLog> log_;
  static std::unique_ptr<SdDrawing> engine_;
};

std::unique_ptr<SdLog> SdDrawingTest::log_;
std::unique_ptr<SdDrawing> SdDrawingTest::engine_;

TEST_F(SdDrawingTest, SeedsReproduceByteForByteWithAnyNumberOfThreads) {
  const wire::Picture first = draw(request(1, "a cat"));
  EXPECT_EQ(first.width, 64);
  EXPECT_EQ(first.height, 64);
  EXPECT_EQ(first.seed, 7u);
  ASSERT_EQ(first.pixels.size(), 64u * 64u * 3u);
  EXPECT_EQ(draw(request(2, "a cat")).pixels, first.pixels);
  engine_->set_threads(2);
  EXPECT_EQ(draw(request(3, "a cat")).pixels, first.pixels);
}

TEST_F(SdDrawingTest, AnotherSeedAndAnotherPromptAreOtherPictures) {
  const wire::Picture cat = draw(request(1, "a cat"));
  EXPECT_NE(draw(request(2, "a cat", 8)).pixels, cat.pixels);
  EXPECT_NE(draw(request(3, "a dog on the moon")).pixels, cat.pixels);
}

TEST_F(SdDrawingTest, EveryStepIsTold) {
  auto draw = request(1, "a cat");
  draw.steps = 3;
  start(draw);
  const auto events = finish();
  std::vector<std::int32_t> done;
  for (const wire::Message& event : events) {
    if (const auto* progress = std::get_if<wire::Progress>(&event)) {
      EXPECT_EQ(progress->total, 3);
      done.push_back(progress->done);
    }
  }
  EXPECT_EQ(done, (std::vector<std::int32_t>{0, 1, 2, 3}));
}

TEST_F(SdDrawingTest, WithoutASeedOneIsDrawnAndToldAndDrawsTheSameAgain) {
  auto unseeded = request(1, "a cat", 0);
  unseeded.has_seed = false;
  const wire::Picture first = draw(unseeded);
  const wire::Picture again = draw(request(2, "a cat", first.seed));
  EXPECT_EQ(again.pixels, first.pixels);
}

TEST_F(SdDrawingTest, SidesThatAreNoMultiplesAreDrawnAsAskedFor) {
  auto odd = request(1, "a cat");
  odd.width = 100;
  odd.height = 72;
  const wire::Picture picture = draw(odd);
  EXPECT_EQ(picture.width, 100);
  EXPECT_EQ(picture.height, 72);
  EXPECT_EQ(picture.pixels.size(), 100u * 72u * 3u);
}

TEST_F(SdDrawingTest, ACancelledDrawingIsAnsweredAtOnceAndTheNextOneIsDrawn) {
  auto long_one = request(1, "a cat");
  long_one.width = long_one.height = 512;
  long_one.steps = 150;
  start(long_one);
  std::vector<wire::Message> events;
  // In the middle of its steps.
  while (events.empty()) ASSERT_TRUE(engine_->step(events).ok());
  events.clear();
  const auto cancelled_at = steady_clock::now();
  engine_->cancel(1, events);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(std::get<wire::Failed>(events[0]).code, Code::cancelled);
  EXPECT_FALSE(engine_->has_work());
  EXPECT_EQ(draw(request(2, "a cat")).task, 2u);
  // 150 steps of that size take much longer.
  EXPECT_LT(steady_clock::now() - cancelled_at, milliseconds(20'000));
}

TEST_F(SdDrawingTest, ADrawingThatWaitsCanBeCancelledToo) {
  start(request(1, "a cat"));
  start(request(2, "a dog"));
  std::vector<wire::Message> events;
  engine_->cancel(2, events);
  ASSERT_EQ(events.size(), 1u);
  for (auto& event : finish()) events.push_back(std::move(event));
  EXPECT_EQ(std::get<wire::Picture>(events.back()).task, 1u);
  engine_->cancel(9, events);  // Not known: nothing is said.
  EXPECT_TRUE(std::holds_alternative<wire::Picture>(events.back()));
}

TEST_F(SdDrawingTest, WhilePausedNothingIsDrawnAndLaterItGoesOn) {
  start(request(1, "a cat"));
  engine_->pause();
  std::this_thread::sleep_for(milliseconds(50));  // Whatever was on its way has been told.
  std::vector<wire::Message> events;
  ASSERT_TRUE(engine_->step(events).ok());
  events.clear();
  const auto until = steady_clock::now() + milliseconds(300);
  while (steady_clock::now() < until) ASSERT_TRUE(engine_->step(events).ok());
  EXPECT_TRUE(events.empty());
  EXPECT_TRUE(engine_->has_work());
  engine_->set_threads(2);
  events = finish();
  ASSERT_FALSE(events.empty());
  EXPECT_TRUE(std::holds_alternative<wire::Picture>(events.back()));
}

TEST_F(SdDrawingTest, APictureIsDrawnFromAPictureAndTheLessTheStrengthTheFewerTheSteps) {
  auto from_white = request(1, "a cat");
  from_white.width = from_white.height = 0;  // As the picture.
  from_white.image = plain_png(64, 64, 255);
  from_white.steps = 4;
  from_white.strength = 0.5;
  start(from_white);
  auto events = finish();
  EXPECT_EQ(std::get<wire::Progress>(events.front()).total, 3);
  const auto white = std::get<wire::Picture>(events.back());
  EXPECT_EQ(white.width, 64);
  auto from_black = from_white;
  from_black.image = plain_png(64, 64, 0);
  EXPECT_NE(draw(from_black).pixels, white.pixels);
  auto masked = from_white;
  masked.mask = plain_png(64, 64, 0);  // Black everywhere: all is kept.
  EXPECT_NE(draw(masked).pixels, white.pixels);
}

TEST_F(SdDrawingTest, WhatIsNoPictureIsRefusedAndNamesItsField) {
  auto bad = request(1, "a cat");
  bad.image = "no picture";
  auto status = engine_->start_draw(bad);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::invalid_input);
  EXPECT_EQ(status.error().message, "image: the bytes are none of a PNG, a JPEG and a WebP");
  auto alone = request(1, "a cat");
  alone.mask = plain_png(64, 64, 0);
  status = engine_->start_draw(alone);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "mask: needs an image that it covers");
}

TEST_F(SdDrawingTest, ALongPromptOfManyBytesIsDrawn) {
  std::string prompt;
  for (int at = 0; at < 4'096; ++at) prompt += "\xf0\x9f\x90\x88";  // A cat, four bytes long.
  EXPECT_EQ(draw(request(1, prompt)).width, 64);
  EXPECT_EQ(draw(request(2, std::string(4'096, '('))).width, 64);
}

TEST(SdDrawingAtItsEnd, AnEngineThatEndsInTheMiddleOfADrawingEndsSoon) {
  SdLog log;
  auto engine = SdDrawing::open(miniature(), log, [](float) { return true; });
  ASSERT_TRUE(engine.ok()) << engine.error().message;
  (*engine)->set_threads(1);
  wire::Draw draw;
  draw.task = 1;
  draw.prompt = "a cat";
  draw.steps = 100;
  ASSERT_TRUE((*engine)->start_draw(draw).ok());
  std::vector<wire::Message> events;
  ASSERT_TRUE((*engine)->step(events).ok());
  (*engine)->pause();  // As the server does with a runner that has nothing to do.
  const auto start = steady_clock::now();
  engine->reset();
  EXPECT_LT(steady_clock::now() - start, milliseconds(10'000));
}

// Another model, another engine: FLUX.2, whose texts a language model reads, and which takes up
// pictures.
TEST(SdDrawingFlux2, DrawsBySeedAndTakesUpPictures) {
  SdLog log;
  const wire::Load load{test_model_path("tiny-flux2-random.safetensors"),
                        wire::ModelKind::image,
                        0,
                        1,
                        2,
                        {{"llm", test_model_path("random-qwen3-28.gguf")},
                         {"taesd", test_model_path("tiny-taef2-random.safetensors")}}};
  auto engine = SdDrawing::open(load, log, [](float) { return true; });
  ASSERT_TRUE(engine.ok()) << engine.error().message;
  (*engine)->set_threads(2);
  const auto draw = [&](std::vector<std::string> references) {
    wire::Draw request;
    request.task = 1;
    request.prompt = "a cat";
    request.width = request.height = 64;
    request.steps = 1;
    request.seed = 3;
    request.has_seed = true;
    request.references = std::move(references);
    const Status started = (*engine)->start_draw(std::move(request));
    EXPECT_TRUE(started.ok()) << started.error().message;
    std::vector<wire::Message> events;
    while (started.ok() && (*engine)->has_work()) EXPECT_TRUE((*engine)->step(events).ok());
    const auto* picture = events.empty() ? nullptr : std::get_if<wire::Picture>(&events.back());
    EXPECT_NE(picture, nullptr);
    return picture == nullptr ? wire::Picture() : *picture;
  };
  EXPECT_EQ((*engine)->facts().architecture, "FLUX.2");
  const wire::Picture first = draw({});
  EXPECT_EQ(first.pixels.size(), 64u * 64 * 3);
  EXPECT_EQ(draw({}).pixels, first.pixels);
  const std::string reference = plain_png(64, 64, 200);
  const wire::Picture second = draw({reference});
  EXPECT_NE(second.pixels, first.pixels);
  EXPECT_EQ(second.reference_sides, (std::vector<std::int32_t>{64, 64}));
  wire::Draw refused;
  refused.references = {reference, "no picture"};
  const Status status = (*engine)->start_draw(std::move(refused));
  ASSERT_FALSE(status.ok());
  EXPECT_TRUE(status.error().message.starts_with("input_image_1: ")) << status.error().message;
}

}  // namespace
}  // namespace selvedge::engines
