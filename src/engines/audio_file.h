// Audio file: the sound of a file that somebody sent, as samples for a speech model.
#pragma once

#include <atomic>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace selvedge::engines {

inline constexpr int kSpeechSampleRate = 16'000;

// [samples], mono, -1 to 1, kSpeechSampleRate a second. Takes WAV, AIFF, MP3, AAC, FLAC, Ogg
// (Vorbis, Opus, FLAC), MP4 and M4A (AAC, ALAC, MP3, Opus), Matroska and WebM, of any rate from 4
// to 192 kHz and up to 16 channels, which are mixed. The format is found by its bytes. Opens
// nothing but those bytes. What is damaged in the middle is left out. `stop` turning true ends it
// early, with `cancelled`. Errors: invalid_input (no audio that this build reads, longer than
// `seconds_max`), cancelled. The bytes may be anything: only a runner calls this.
Result<std::vector<float>> read_audio(std::string_view file, double seconds_max,
                                      const std::atomic<bool>& stop);

}  // namespace selvedge::engines
