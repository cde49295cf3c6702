// Open file: calls that are begun again when a signal ended them.
#include "catalog/open_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace selvedge::catalog {

OpenFile::OpenFile(const std::filesystem::path& path, int flags)
    : number_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {}

OpenFile::~OpenFile() {
  if (number_ >= 0) ::close(number_);
}

Error io_error(const std::string& doing, const std::filesystem::path& path) {
  return Error{Code::io, "cannot " + doing + " \"" + path.string() + "\": " + std::strerror(errno)};
}

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

Status sync(const std::filesystem::path& path, int flags) {
  const OpenFile file(path, flags);
  if (!file.ok() || ::fsync(file.number()) != 0) return io_error("sync", path);
  return ok_status();
}

}  // namespace selvedge::catalog
