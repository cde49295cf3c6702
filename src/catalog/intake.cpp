// Intake: lock, copy, sync, rename.
#include "catalog/intake.h"

#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sha256.h"
#include "catalog/model_table.h"
#include "catalog/open_file.h"

namespace selvedge::catalog {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kChunkBytes = 1024 * 1024;
// Left free on the disk: a full one stops more than us.
constexpr std::uint64_t kSpareBytes = 64ull * 1024 * 1024;

Result<std::string> copy_and_hash(const OpenFile& in, const OpenFile& out, const fs::path& from,
                                  const fs::path& to,
                                  const std::function<void(std::uint64_t)>& on_bytes) {
  // The shared blocks are then read once, from the copy that is ours alone.
  const bool shared = ::ioctl(out.number(), FICLONE, in.number()) == 0;
  const int source = shared ? out.number() : in.number();
  Sha256 hash;
  std::vector<char> chunk(kChunkBytes);
  std::uint64_t done = 0;
  while (true) {
    const ssize_t got = ::read(source, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error("read", from);
    if (got == 0) break;
    const auto count = static_cast<std::size_t>(got);
    hash.add(std::string_view(chunk.data(), count));
    if (!shared && !write_all(out.number(), {chunk.data(), count})) return io_error("write", to);
    done += count;
    if (on_bytes) on_bytes(done);
  }
  return hash.hex();
}

// The lock file may be removed by its holder between our open and our lock: only a lock on the file
// that still has the name counts.
bool is_at(int file, const fs::path& path) {
  struct stat by_number {};
  struct stat by_name {};
  return ::fstat(file, &by_number) == 0 && ::stat(path.c_str(), &by_name) == 0 &&
         by_number.st_ino == by_name.st_ino && by_number.st_dev == by_name.st_dev;
}

}  // namespace

Intake::Intake(fs::path folder, const std::string& file, int lock)
    : folder_(std::move(folder)),
      partial_(folder_ / (file + ".partial")),
      lock_path_(folder_ / (file + ".partial.lock")),
      lock_(lock) {}

Intake::Intake(Intake&& other) noexcept
    : folder_(std::move(other.folder_)),
      partial_(std::move(other.partial_)),
      lock_path_(std::move(other.lock_path_)),
      lock_(std::exchange(other.lock_, -1)) {}

Intake::~Intake() {
  if (lock_ < 0) return;
  ::unlink(lock_path_.c_str());
  ::close(lock_);
}

Result<Intake> Intake::begin(const fs::path& folder, const std::string& file) {
  const fs::path lock_path = folder / (file + ".partial.lock");
  for (int attempt = 0; attempt < 10; ++attempt) {
    const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (lock < 0) return io_error("create", lock_path);
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
      ::close(lock);
      return Error{Code::unavailable, "\"" + file + "\" is being brought in by another process"};
    }
    if (is_at(lock, lock_path)) return Intake(folder, file, lock);
    ::close(lock);
  }
  return Error{Code::unavailable, "\"" + file + "\" is being brought in by another process"};
}

Result<std::string> Intake::copy(const fs::path& from,
                                 const std::function<void(std::uint64_t)>& on_bytes) {
  const OpenFile in(from, O_RDONLY);
  if (!in.ok()) return io_error("open", from);
  const OpenFile out(partial_, O_RDWR | O_CREAT | O_TRUNC);
  if (!out.ok()) return io_error("create", partial_);
  auto hash = copy_and_hash(in, out, from, partial_, on_bytes);
  if (!hash.ok()) discard();
  return hash;
}

Status Intake::settle(const std::string& file) {
  SEL_CHECK_OK(sync(partial_, O_RDONLY));
  const fs::path place = folder_ / file;
  if (::rename(partial_.c_str(), place.c_str()) != 0) return io_error("rename", partial_);
  return sync(folder_, O_RDONLY | O_DIRECTORY);
}

void Intake::discard() {
  ::unlink(partial_.c_str());
  ::unlink((partial_.string() + ".etag").c_str());  // Kept by http::download.
}

Status check_room(const fs::path& folder, std::uint64_t bytes, const std::string& what) {
  if (bytes == 0) return ok_status();
  std::error_code problem;
  const fs::space_info space = fs::space(folder, problem);
  if (problem) {
    return Error{Code::io,
                 "cannot look at the disk of \"" + folder.string() + "\": " + problem.message()};
  }
  if (space.available >= kSpareBytes && space.available - kSpareBytes >= bytes) return ok_status();
  return Error{Code::io, "no room for \"" + what + "\": it takes " + readable_bytes(bytes) +
                             ", and \"" + folder.string() + "\" has " +
                             readable_bytes(space.available) + " left"};
}

}  // namespace selvedge::catalog
