// GGUF cursor: buffered reads with a hard end.
#include "catalog/gguf_cursor.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace selvedge::catalog {

namespace {
constexpr std::size_t kBufferBytes = 256 * 1024;
}

Result<GgufCursor> GgufCursor::open(const std::filesystem::path& file, std::uint64_t bytes_max) {
  // Non-blocking, or a named pipe would hold the open for ever.
  const int opened = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (opened < 0) {
    const Code code = errno == ENOENT || errno == ENOTDIR ? Code::not_found : Code::io;
    return Error{code, "cannot open \"" + file.string() + "\": " + std::strerror(errno)};
  }
  struct stat info {};
  if (::fstat(opened, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(opened);
    return Error{Code::io, "\"" + file.string() + "\" is not a regular file"};
  }
  const auto bytes = static_cast<std::uint64_t>(info.st_size);
  return GgufCursor(opened, bytes, std::min(bytes, bytes_max));
}

GgufCursor::GgufCursor(int file, std::uint64_t file_bytes, std::uint64_t end)
    : file_(file),
      file_bytes_(file_bytes),
      end_(end),
      buffer_(static_cast<std::size_t>(std::min<std::uint64_t>(end, kBufferBytes))) {}

GgufCursor::GgufCursor(GgufCursor&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      file_bytes_(other.file_bytes_),
      end_(other.end_),
      at_(other.at_),
      buffer_(std::move(other.buffer_)),
      buffer_at_(other.buffer_at_),
      buffer_bytes_(std::exchange(other.buffer_bytes_, 0)) {}

GgufCursor::~GgufCursor() {
  if (file_ >= 0) ::close(file_);
}

bool GgufCursor::fill() {
  ssize_t got = 0;
  do {
    got = ::pread(file_, buffer_.data(), buffer_.size(), static_cast<off_t>(at_));
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return false;  // Also when the file was cut since it was opened.
  buffer_at_ = at_;
  buffer_bytes_ = static_cast<std::size_t>(got);
  return true;
}

bool GgufCursor::read_bytes(char* into, std::size_t bytes) {
  if (bytes > remaining()) return false;
  while (bytes > 0) {
    if (at_ < buffer_at_ || at_ - buffer_at_ >= buffer_bytes_) {
      if (!fill()) return false;
    }
    const auto from = static_cast<std::size_t>(at_ - buffer_at_);
    const std::size_t take = std::min(bytes, buffer_bytes_ - from);
    std::memcpy(into, buffer_.data() + from, take);
    into += take;
    bytes -= take;
    at_ += take;
  }
  return true;
}

bool GgufCursor::read_string(std::string& text, std::uint64_t bytes_max) {
  std::uint64_t length = 0;
  if (!read(length) || length > bytes_max || length > remaining()) return false;
  text.resize(static_cast<std::size_t>(length));
  return read_bytes(text.data(), text.size());
}

bool GgufCursor::skip_string() {
  std::uint64_t length = 0;
  return read(length) && skip(length);
}

bool GgufCursor::skip(std::uint64_t bytes) {
  if (bytes > remaining()) return false;
  at_ += bytes;
  return true;
}

}  // namespace selvedge::catalog
