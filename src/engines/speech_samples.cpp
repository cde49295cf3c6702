// Speech samples: files of the tests.
#include "engines/speech_samples.h"

#include <cstring>
#include <fstream>
#include <iterator>

#include "engines/test_files.h"

namespace selvedge::engines {
namespace {

constexpr std::size_t kHeadBytes = 44;

template <class Number>
void append(std::string& bytes, Number value) {
  char raw[sizeof value];
  std::memcpy(raw, &value, sizeof value);
  bytes.append(raw, sizeof value);
}

}  // namespace

std::string jfk_wav() {
  std::ifstream file(std::string(SELVEDGE_ENGINES_SHARE) + "/samples/jfk.wav", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::int16_t> jfk_samples() {
  const std::string wav = jfk_wav();
  const std::size_t data = wav.find("data") + 8;
  std::vector<std::int16_t> samples((wav.size() - data) / 2);
  std::memcpy(samples.data(), wav.data() + data, samples.size() * 2);
  return samples;
}

std::string wav_of(const std::vector<std::int16_t>& samples, std::uint32_t rate,
                   std::uint16_t channels) {
  const auto data_bytes = static_cast<std::uint32_t>(samples.size() * 2);
  std::string wav = "RIFF";
  append(wav, static_cast<std::uint32_t>(kHeadBytes - 8 + data_bytes));
  wav += "WAVEfmt ";
  append(wav, std::uint32_t{16});
  append(wav, std::uint16_t{1});
  append(wav, channels);
  append(wav, rate);
  append(wav, rate * channels * 2);
  append(wav, static_cast<std::uint16_t>(channels * 2));
  append(wav, std::uint16_t{16});
  wav += "data";
  append(wav, data_bytes);
  wav.append(reinterpret_cast<const char*>(samples.data()), data_bytes);
  return wav;
}

std::string speech_model_path(const std::string& file) { return test_model_path(file, "--speech"); }

}  // namespace selvedge::engines
