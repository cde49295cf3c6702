// WhisperEngine: with the weights of tiny.en.
#include "engines/whisper_engine.h"

#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engines/speech_samples.h"

namespace selvedge::engines {
namespace {

using std::chrono::steady_clock;
using testing::HasSubstr;

// One for all tests: it is opened in half a second.
Engine& engine() {
  static const auto loaded = [] {
    wire::Load load;
    load.model_path = speech_model_path("ggml-tiny.en-ct2.bin");
    load.kind = wire::ModelKind::speech;
    load.parts = {{"voice_activity", speech_model_path("ggml-silero-v6.2.0.bin")}};
    auto opened = WhisperEngine::open(load, [](float) { return true; });
    if (!opened.ok()) ADD_FAILURE() << opened.error().message;
    opened->engine->set_threads(2);
    return std::move(*opened).engine;
  }();
  return *loaded;
}

wire::Transcribe task_of(wire::TaskId id, std::string audio) {
  wire::Transcribe task;
  task.task = id;
  task.audio = std::move(audio);
  return task;
}

// All events until nothing is to be done.
std::vector<wire::Message> finish() {
  std::vector<wire::Message> events;
  while (engine().has_work()) {
    const auto status = engine().step(events);
    EXPECT_TRUE(status.ok());
  }
  return events;
}

wire::Transcript transcribe(wire::Transcribe task) {
  EXPECT_TRUE(engine().start_transcribe(std::move(task)).ok());
  const auto events = finish();
  if (const auto* transcript = std::get_if<wire::Transcript>(&events.back())) return *transcript;
  if (const auto* failed = std::get_if<wire::Failed>(&events.back())) {
    ADD_FAILURE() << failed->message;
  }
  return {};
}

std::string text_of(const wire::Transcript& transcript) {
  std::string text;
  for (const auto& segment : transcript.segments) text += segment.text;
  return text;
}

TEST(WhisperEngine, WritesDownWhatIsSaid) {
  const wire::Transcript transcript = transcribe(task_of(1, jfk_wav()));
  EXPECT_EQ(transcript.task, 1u);
  EXPECT_EQ(transcript.language, "en");
  EXPECT_NEAR(transcript.duration_s, 11.0, 0.01);
  EXPECT_THAT(text_of(transcript), HasSubstr("ask not what your country can do for you"));
}

// The speaker says "ask" at 3.3 s and "country" for the last time at 10.1 s.
TEST(WhisperEngine, TellsWhenEachWordIsSaid) {
  const wire::Transcript transcript = transcribe(task_of(2, jfk_wav()));
  std::vector<wire::SpokenWord> words;
  for (const auto& segment : transcript.segments) {
    words.insert(words.end(), segment.words.begin(), segment.words.end());
  }
  ASSERT_EQ(words.size(), 22u);
  for (std::size_t at = 1; at < words.size(); ++at) {
    EXPECT_LE(words[at - 1].end_s, words[at].start_s + 1e-9);
    EXPECT_LT(words[at].start_s, words[at].end_s);
  }
  EXPECT_EQ(words[5].text.substr(0, 3), "ask");
  EXPECT_NEAR(words[5].end_s, 3.7, 0.4);
  EXPECT_EQ(words.back().text, "country.");
  EXPECT_NEAR(words.back().end_s, 10.4, 0.6);
}

TEST(WhisperEngine, SilenceHasNoText) {
  wire::Transcribe task = task_of(3, wav_of(std::vector<std::int16_t>(16'000 * 5)));
  task.skip_silence = true;
  const wire::Transcript transcript = transcribe(std::move(task));
  EXPECT_EQ(text_of(transcript), "");
  EXPECT_DOUBLE_EQ(transcript.duration_voiced_s, 0);
  EXPECT_DOUBLE_EQ(transcript.duration_s, 5);
}

// Ten seconds of silence before the speech: its words stay where they are.
TEST(WhisperEngine, SkippedSilenceMovesNoWord) {
  std::vector<std::int16_t> samples(16'000 * 10);
  const auto speech = jfk_samples();
  samples.insert(samples.end(), speech.begin(), speech.end());
  wire::Transcribe task = task_of(4, wav_of(samples));
  task.skip_silence = true;
  const wire::Transcript transcript = transcribe(std::move(task));
  EXPECT_LT(transcript.duration_voiced_s, 12);
  EXPECT_NEAR(transcript.duration_s, 21, 0.01);
  ASSERT_FALSE(transcript.segments.empty());
  EXPECT_GT(transcript.segments.front().start_s, 9.5);
  EXPECT_GT(transcript.segments.back().end_s, 19);
}

TEST(WhisperEngine, GoesOnFromWindowToWindow) {
  std::vector<std::int16_t> samples;
  for (int time = 0; time < 6; ++time) {
    const auto speech = jfk_samples();
    samples.insert(samples.end(), speech.begin(), speech.end());
  }
  EXPECT_TRUE(engine().start_transcribe(task_of(5, wav_of(samples))).ok());
  const auto events = finish();
  const auto* transcript = std::get_if<wire::Transcript>(&events.back());
  ASSERT_NE(transcript, nullptr);
  int times = 0;
  const std::string text = text_of(*transcript);
  for (std::size_t at = text.find("your country"); at != text.npos;
       at = text.find("your country", at + 1)) {
    ++times;
  }
  EXPECT_EQ(times, 12) << text;
  std::int32_t before = 0;
  int told = 0;
  for (const auto& event : events) {
    const auto* progress = std::get_if<wire::Progress>(&event);
    if (progress == nullptr) continue;
    EXPECT_GE(progress->done, before);
    EXPECT_EQ(progress->total, 66);
    before = progress->done;
    ++told;
  }
  EXPECT_GE(told, 3);
  EXPECT_GT(before, 40);
}

TEST(WhisperEngine, BeginsWithThePrefix) {
  wire::Transcribe task = task_of(6, jfk_wav());
  task.prefix = "Well, so";
  EXPECT_THAT(text_of(transcribe(std::move(task))), testing::StartsWith(" Well, so"));
}

TEST(WhisperEngine, VeryShortAudioIsNoFault) {
  for (const std::size_t samples : {1u, 160u, 1'600u, 3'500u, 8'000u}) {
    const auto speech = jfk_samples();
    const std::vector<std::int16_t> some(
        speech.begin() + 50'000, speech.begin() + 50'000 + static_cast<std::ptrdiff_t>(samples));
    const auto transcript = transcribe(task_of(7, wav_of(some)));
    EXPECT_NEAR(transcript.duration_s, static_cast<double>(samples) / 16'000, 0.01);
  }
}

TEST(WhisperEngine, WhatIsNoAudioIsTheTasksFault) {
  EXPECT_TRUE(engine().start_transcribe(task_of(8, "this is no audio at all")).ok());
  const auto events = finish();
  const auto* failed = std::get_if<wire::Failed>(&events.back());
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->code, Code::invalid_input);
  EXPECT_THAT(failed->message, HasSubstr("audio: no format"));
}

TEST(WhisperEngine, AnEnglishModelTranslatesNothing) {
  wire::Transcribe task = task_of(9, jfk_wav());
  task.translate = true;
  EXPECT_EQ(engine().start_transcribe(std::move(task)).error().code, Code::invalid_input);
}

TEST(WhisperEngine, RefusesALanguageThatIsNone) {
  wire::Transcribe task = task_of(10, jfk_wav());
  task.language = "klingon";
  EXPECT_EQ(engine().start_transcribe(std::move(task)).error().code, Code::invalid_input);
}

// Taken back in the middle of a window: answered at once, and the next task is not disturbed.
TEST(WhisperEngine, ATaskThatIsTakenBackIsAnsweredAtOnce) {
  EXPECT_TRUE(engine().start_transcribe(task_of(11, jfk_wav())).ok());
  EXPECT_TRUE(engine().start_transcribe(task_of(12, jfk_wav())).ok());
  std::vector<wire::Message> events;
  while (std::none_of(events.begin(), events.end(), [](const auto& event) {
    return std::holds_alternative<wire::Progress>(event);
  })) {
    ASSERT_TRUE(engine().step(events).ok());
  }
  ASSERT_TRUE(engine().step(events).ok());
  events.clear();
  const auto asked = steady_clock::now();
  engine().cancel(11, events);
  EXPECT_LT(steady_clock::now() - asked, std::chrono::milliseconds(200));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(std::get<wire::Failed>(events[0]).code, Code::cancelled);
  const auto rest = finish();
  const auto* transcript = std::get_if<wire::Transcript>(&rest.back());
  ASSERT_NE(transcript, nullptr);
  EXPECT_EQ(transcript->task, 12u);
  EXPECT_THAT(text_of(*transcript), HasSubstr("country"));
}

// A step lets go of the loop, which has pings to answer.
TEST(WhisperEngine, AStepIsShort) {
  EXPECT_TRUE(engine().start_transcribe(task_of(13, jfk_wav())).ok());
  auto longest = steady_clock::duration::zero();
  std::vector<wire::Message> events;
  while (engine().has_work()) {
    const auto begun = steady_clock::now();
    ASSERT_TRUE(engine().step(events).ok());
    longest = std::max(longest, steady_clock::now() - begun);
  }
  EXPECT_LT(longest, std::chrono::milliseconds(400));
}

}  // namespace
}  // namespace selvedge::engines
