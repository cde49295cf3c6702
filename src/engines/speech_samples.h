// Speech samples: a recording of real speech, and WAV files made of samples.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace selvedge::engines {

// 11 seconds of a speech of 1961, which is in the public domain: "And so, my fellow Americans: ask
// not what your country can do for you, ask what you can do for your country." 16 kHz, mono.
std::string jfk_wav();
std::vector<std::int16_t> jfk_samples();

// A file of 16-bit samples.
std::string wav_of(const std::vector<std::int16_t>& samples, std::uint32_t rate = 16'000,
                   std::uint16_t channels = 1);

// Where tools/models/fetch puts `file`; the test fails when it is not there.
std::string speech_model_path(const std::string& file);

}  // namespace selvedge::engines
