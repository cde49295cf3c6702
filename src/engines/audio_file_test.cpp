// Audio file: formats, rates, channels, damage.
#include "engines/audio_file.h"

#include <cmath>
#include <numbers>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engines/speech_samples.h"

namespace selvedge::engines {
namespace {

using testing::HasSubstr;

const std::atomic<bool> kGoOn = false;

std::vector<std::int16_t> tone(double hertz, double seconds, std::uint32_t rate,
                               std::uint16_t channels = 1) {
  std::vector<std::int16_t> samples;
  const auto frames = static_cast<std::size_t>(seconds * rate);
  for (std::size_t at = 0; at < frames; ++at) {
    const double value =
        16'000 * std::sin(2 * std::numbers::pi * hertz * static_cast<double>(at) / rate);
    for (int channel = 0; channel < channels; ++channel) {
      samples.push_back(static_cast<std::int16_t>(value));
    }
  }
  return samples;
}

// How much of `hertz` is in the samples, 0 to 1 of a full wave.
double amplitude(const std::vector<float>& samples, double hertz) {
  double sine = 0;
  double cosine = 0;
  for (std::size_t at = 0; at < samples.size(); ++at) {
    const double angle = 2 * std::numbers::pi * hertz * static_cast<double>(at) / kSpeechSampleRate;
    sine += static_cast<double>(samples[at]) * std::sin(angle);
    cosine += static_cast<double>(samples[at]) * std::cos(angle);
  }
  return 2 * std::hypot(sine, cosine) / static_cast<double>(samples.size());
}

TEST(AudioFile, AnyRateBecomesTheModels) {
  for (const std::uint32_t rate : {8'000u, 11'025u, 16'000u, 22'050u, 44'100u, 48'000u, 96'000u}) {
    const auto samples = read_audio(wav_of(tone(440, 1, rate), rate), 60, kGoOn);
    ASSERT_TRUE(samples.ok()) << rate << ": " << samples.error().message;
    EXPECT_NEAR(static_cast<double>(samples->size()), 16'000, 80) << rate;
    EXPECT_NEAR(amplitude(*samples, 440), 16'000.0 / 32'768, 0.03) << rate;
  }
}

// What lies above half of the model's rate must not come back as something below it.
TEST(AudioFile, ResamplingMakesNoNewTones) {
  const auto samples = read_audio(wav_of(tone(11'000, 1, 48'000), 48'000), 60, kGoOn);
  ASSERT_TRUE(samples.ok());
  EXPECT_LT(amplitude(*samples, 5'000), 0.001);
}

TEST(AudioFile, ChannelsAreAveraged) {
  const auto both = read_audio(wav_of(tone(440, 1, 16'000, 2), 16'000, 2), 60, kGoOn);
  ASSERT_TRUE(both.ok());
  EXPECT_NEAR(amplitude(*both, 440), 16'000.0 / 32'768, 0.03);
  auto left = tone(440, 1, 16'000, 2);
  for (std::size_t at = 1; at < left.size(); at += 2) left[at] = 0;
  const auto one = read_audio(wav_of(left, 16'000, 2), 60, kGoOn);
  ASSERT_TRUE(one.ok());
  EXPECT_NEAR(amplitude(*one, 440), 8'000.0 / 32'768, 0.03);
}

TEST(AudioFile, LongerThanAllowedIsRefused) {
  const auto samples = read_audio(wav_of(tone(440, 61, 8'000), 8'000), 60, kGoOn);
  ASSERT_FALSE(samples.ok());
  EXPECT_EQ(samples.error().code, Code::invalid_input);
  EXPECT_THAT(samples.error().message, HasSubstr("longer than 1 minutes"));
}

TEST(AudioFile, WhatIsNoAudioIsRefused) {
  for (const std::string bytes :
       {"", "no audio", "RIFF", "{\"audio\":[1,2]}", "#EXTM3U\nhttp://localhost/x.mp3\n",
        "ffconcat version 1.0\nfile /etc/passwd\n"}) {
    const auto samples = read_audio(bytes, 60, kGoOn);
    ASSERT_FALSE(samples.ok()) << bytes;
    EXPECT_EQ(samples.error().code, Code::invalid_input);
  }
}

TEST(AudioFile, AFileThatEndsTooEarlyIsReadSoFar) {
  const std::string whole = jfk_wav();
  const auto samples = read_audio(std::string_view(whole).substr(0, whole.size() / 2), 60, kGoOn);
  ASSERT_TRUE(samples.ok());
  EXPECT_NEAR(static_cast<double>(samples->size()), 88'000, 200);
}

TEST(AudioFile, StopsWhenTold) {
  const std::atomic<bool> stop = true;
  EXPECT_EQ(read_audio(jfk_wav(), 60, stop).error().code, Code::cancelled);
}

TEST(AudioFile, TooManyChannelsAreRefused) {
  const auto samples =
      read_audio(wav_of(std::vector<std::int16_t>(17 * 1'000), 16'000, 17), 60, kGoOn);
  ASSERT_FALSE(samples.ok());
  EXPECT_EQ(samples.error().code, Code::invalid_input);
}

}  // namespace
}  // namespace selvedge::engines
