// Fuzzes the check of weights files: any bytes are a summary or an error, in bounded memory.
#include <cstdint>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/utf8.h"
#include "catalog/gguf_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using selvedge::Code;
  static const int file = ::memfd_create("weights", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  SEL_CHECK(::ftruncate(file, 0) == 0);
  SEL_CHECK(::pwrite(file, data, size, 0) == static_cast<ssize_t>(size));
  const auto summary = selvedge::catalog::check_gguf(path);
  if (!summary.ok()) {
    SEL_CHECK(summary.error().code == Code::file_invalid);
    return 0;
  }
  SEL_CHECK(summary->version == 2 || summary->version == 3);
  SEL_CHECK(summary->architecture.size() <= 64);
  SEL_CHECK(summary->name.size() <= 256);
  SEL_CHECK(selvedge::utf8::valid(summary->name));
  return 0;
}
