// GGUF cursor: reads numbers and strings of a file forwards, never past its end.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace selvedge::catalog {

static_assert(std::endian::native == std::endian::little, "GGUF numbers are read as they lie");

// One pass over a file through one buffer. A failed read leaves it where it was; callers stop then.
class GgufCursor {
 public:
  // Reads at most `bytes_max` of the file. Errors: not_found, io.
  static Result<GgufCursor> open(const std::filesystem::path& file, std::uint64_t bytes_max);
  ~GgufCursor();
  GgufCursor(GgufCursor&& other) noexcept;
  GgufCursor& operator=(GgufCursor&&) = delete;

  std::uint64_t file_bytes() const { return file_bytes_; }
  std::uint64_t at() const { return at_; }
  // Bytes that may still be read: of the file, or of the bound, whichever ends first.
  std::uint64_t remaining() const { return end_ - at_; }

  // False: the file ends first, or the disk failed.
  template <class Number>
  bool read(Number& number) {
    char bytes[sizeof(Number)];
    if (!read_bytes(bytes, sizeof(Number))) return false;
    std::memcpy(&number, bytes, sizeof(Number));
    return true;
  }
  // A length (64 bits) and its bytes. False also when it is longer than `bytes_max`: nothing is
  // allocated then.
  bool read_string(std::string& text, std::uint64_t bytes_max);
  bool skip_string();
  bool skip(std::uint64_t bytes);

 private:
  GgufCursor(int file, std::uint64_t file_bytes, std::uint64_t end);
  bool read_bytes(char* into, std::size_t bytes);
  bool fill();

  int file_ = -1;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t at_ = 0;  // Position in the file of the next byte.
  std::vector<char> buffer_;
  std::uint64_t buffer_at_ = 0;  // Position in the file of the buffer's first byte.
  std::size_t buffer_bytes_ = 0;
};

}  // namespace selvedge::catalog
