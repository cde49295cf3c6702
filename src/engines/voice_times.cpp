// VoiceTimes: sums over parts.
#include "engines/voice_times.h"

#include <algorithm>
#include <utility>

#include "engines/audio_file.h"

namespace selvedge::engines {
namespace {

// So that words of two parts do not run into each other.
constexpr std::size_t kSilenceSamples = kSpeechSampleRate / 10;

}  // namespace

VoiceTimes::VoiceTimes(std::vector<VoicedPart> parts) : parts_(std::move(parts)) {}

std::vector<float> VoiceTimes::joined(std::span<const float> samples) const {
  std::vector<float> all;
  for (const VoicedPart& part : parts_) {
    if (!all.empty()) all.resize(all.size() + kSilenceSamples);
    const std::size_t end = std::min(part.end, samples.size());
    const std::size_t begin = std::min(part.begin, end);
    all.insert(all.end(), samples.begin() + static_cast<std::ptrdiff_t>(begin),
               samples.begin() + static_cast<std::ptrdiff_t>(end));
  }
  return all;
}

double VoiceTimes::original(double at_s) const {
  if (parts_.empty()) return at_s;
  constexpr double kRate = kSpeechSampleRate;
  double left = at_s * kRate;
  for (const VoicedPart& part : parts_) {
    const auto length = static_cast<double>(part.end - part.begin);
    if (left <= length || &part == &parts_.back()) {
      return (static_cast<double>(part.begin) + std::clamp(left, 0.0, length)) / kRate;
    }
    if (left < length + kSilenceSamples) return static_cast<double>(part.end) / kRate;
    left -= length + kSilenceSamples;
  }
  return at_s;
}

double VoiceTimes::seconds() const {
  std::size_t samples = 0;
  for (const VoicedPart& part : parts_) samples += part.end - part.begin;
  return static_cast<double>(samples) / kSpeechSampleRate;
}

}  // namespace selvedge::engines
