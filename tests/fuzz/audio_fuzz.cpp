// Fuzzes what reads audio files: any bytes are samples or an error, in bounded time and memory.
#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "engines/audio_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using selvedge::Code;
  static const std::atomic<bool> stop = false;
  constexpr double kSecondsMax = 60;
  const auto samples =
      selvedge::engines::read_audio({reinterpret_cast<const char*>(data), size}, kSecondsMax, stop);
  if (!samples.ok()) {
    SEL_CHECK(samples.error().code == Code::invalid_input);
    return 0;
  }
  SEL_CHECK(!samples->empty() && samples->size() <= 16'000 * 60);
  for (const float sample : *samples) SEL_CHECK(sample >= -1 && sample <= 1);
  return 0;
}
