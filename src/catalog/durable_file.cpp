// Durable file: write, sync, rename, sync the folders.
#include "catalog/durable_file.h"

#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace selvedge::catalog {

namespace {

namespace fs = std::filesystem;

Error io_error(const std::string& doing, const fs::path& path) {
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

Status sync_folder(const fs::path& folder) {
  const int number = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (number < 0) return io_error("open", folder);
  const bool synced = ::fsync(number) == 0;
  const Error problem = io_error("sync", folder);
  ::close(number);
  return synced ? ok_status() : Status(problem);
}

}  // namespace

Status write_durably(const fs::path& file, std::string_view content) {
  const int number = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (number < 0) return io_error("create", file);
  const bool whole = write_all(number, content) && ::fsync(number) == 0;
  const Error problem = io_error("write", file);
  ::close(number);
  return whole ? ok_status() : Status(problem);
}

Status rename_durably(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return io_error("rename", from);
  SEL_CHECK_OK(sync_folder(to.parent_path()));
  return sync_folder(to.parent_path().parent_path());
}

}  // namespace selvedge::catalog
