// Fuzzes the check of speech models: any bytes behind a good head are a summary or an error.
#include <cstdint>
#include <cstring>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "catalog/whisper_check.h"

namespace {

// Up to the vocabulary; its tokens are empty. The fuzzer would never come by it by itself.
std::string speech_head() {
  std::string head = "lmgg";
  const auto put = [&head](std::int32_t number) {
    char raw[sizeof number];
    std::memcpy(raw, &number, sizeof number);
    head.append(raw, sizeof raw);
  };
  for (const std::int32_t size : {51'864, 1'500, 384, 6, 4, 448, 384, 6, 4, 80, 1, 80, 201})
    put(size);
  head.append(80 * 201 * 4, '\0');
  put(50'000);
  head.append(50'000 * 4, '\0');
  return head;
}

}  // namespace

// The first byte chooses: the whole file, or what follows a good head.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using selvedge::Code;
  if (size == 0) return 0;
  static const std::string head = speech_head();
  static const int file = ::memfd_create("weights", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  const std::size_t before = (data[0] & 1) != 0 ? head.size() : 0;
  SEL_CHECK(::ftruncate(file, 0) == 0);
  SEL_CHECK(::pwrite(file, head.data(), before, 0) == static_cast<ssize_t>(before));
  SEL_CHECK(::pwrite(file, data + 1, size - 1, static_cast<off_t>(before)) ==
            static_cast<ssize_t>(size - 1));
  const auto summary = selvedge::catalog::check_whisper(path);
  if (!summary.ok()) {
    SEL_CHECK(summary.error().code == Code::file_invalid);
    return 0;
  }
  SEL_CHECK(summary->tensor_count > 0 && summary->parameters > 0);
  return 0;
}
