// Call watch: runs a program and sees each of its calls that change a disk before it happens.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"

// The kernel asks (seccomp's user notification, Linux 5.6 and later, no privilege needed), so that
// the calls of all threads stand in one row and can be counted through. Tracers that inject faults,
// strace among them, count each thread and each kind of call for itself, and so never reach most
// calls of threads in the background.
namespace selvedge::crash {

enum class CallKind : std::uint8_t {
  create,       // An opening that may make or empty a file.
  write,        // write, pwrite, writev, pwritev; not to a standard stream.
  sync,         // fsync, fdatasync, msync.
  rename,       // Of files, and hard links.
  remove,       // unlink, rmdir.
  resize,       // truncate, fallocate.
  make_folder,  // mkdir.
};
const char* name_of(CallKind kind);

// One call that is about to happen. Valid while it is being decided upon.
class Call {
 public:
  Call(pid_t process, pid_t thread, int number, std::array<std::uint64_t, 6> arguments);

  CallKind kind() const { return kind_; }
  int number() const { return number_; }  // The system's: SYS_write and so on.
  std::uint64_t argument(std::size_t at) const { return arguments_[at]; }
  // The file descriptor of a write, a sync of a file or a resize.
  int descriptor() const { return static_cast<int>(arguments_[0]); }
  // The file of `descriptor()`; else the file named first. Absolute.
  std::string path() const;
  std::string new_path() const;  // Of a rename. Absolute.
  bool links() const;            // Of a rename: the old name stays.
  int opening_flags() const;     // Of a creation: O_EXCL and the like.
  // What a write writes.
  std::string bytes() const;
  // Where a write begins; of a resize, the new size (0 when the size stays).
  std::uint64_t position() const;
  bool keeps_size() const;    // Of a resize: only room is made.
  bool only_extends() const;  // Of a resize: a larger file stays as it is.
  // Does the first half of a write in the program's stead. False when this is no write.
  bool tear() const;

 private:
  std::string opened_path(int file) const;
  std::string absolute(std::uint64_t folder, std::uint64_t name_address) const;
  std::string text_at(std::uint64_t address) const;
  std::string memory(std::uint64_t address, std::size_t size) const;

  pid_t process_;
  pid_t thread_;
  int number_;
  std::array<std::uint64_t, 6> arguments_;
  CallKind kind_;
};

struct Answer {
  bool killed = false;  // SIGKILL to the program; the call does not happen.
  int error = 0;        // Else, unless 0: the call does not happen and gives this errno.
};
using Decide = std::function<Answer(const Call&)>;

// Whether this system lets a program be watched; else why not.
Status can_watch();

// Runs the program with these arguments until it ends or is killed. `kept` stays open in it as
// descriptor `kept_as`, whose writes are calls like others. The status is that of waitpid.
Result<int> run_watched(std::vector<std::string> words, int kept, int kept_as,
                        const Decide& decide);

}  // namespace selvedge::crash
