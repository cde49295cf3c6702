// FolderLock: an advisory lock on a file, which dies with its process.
#include "vectors/folder_lock.h"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace selvedge::vectors {
namespace {

Error io_error(const std::filesystem::path& path, std::error_code reason) {
  return Error{Code::io, path.string() + ": " + reason.message()};
}

// A new folder is only there after a power cut when its parent was synced.
Status sync_parent(const std::filesystem::path& folder) {
  const std::filesystem::path parent = std::filesystem::absolute(folder).parent_path();
  const int file = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return io_error(parent, {errno, std::generic_category()});
  const int synced = ::fsync(file);
  const int reason = errno;
  ::close(file);
  if (synced != 0) return io_error(parent, {reason, std::generic_category()});
  return ok_status();
}

}  // namespace

Result<std::unique_ptr<FolderLock>> FolderLock::take(const std::filesystem::path& folder) {
  std::error_code failed;
  const bool created = std::filesystem::create_directories(folder, failed);
  if (failed) return io_error(folder, failed);
  if (created) SEL_CHECK_OK(sync_parent(folder));
  const std::filesystem::path path = folder / kFile;
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return io_error(path, {errno, std::generic_category()});
  auto lock = std::make_unique<FolderLock>(file);
  if (::flock(file, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK) {
    return Error{Code::unavailable, "the folder " + folder.string() +
                                        " is in use by another running server: stop that one, or "
                                        "choose another folder"};
  }
  return io_error(path, {errno, std::generic_category()});
}

FolderLock::~FolderLock() { ::close(file_); }

}  // namespace selvedge::vectors
