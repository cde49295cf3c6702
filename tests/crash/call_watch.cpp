// Call watch: a filter in the program, and the kernel's questions answered here.
#include "call_watch.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/falloc.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

namespace selvedge::crash {
namespace {

struct Watched {
  int number;
  CallKind kind;
};

constexpr Watched kWatched[] = {
    {SYS_openat, CallKind::create},    {SYS_write, CallKind::write},
    {SYS_pwrite64, CallKind::write},   {SYS_writev, CallKind::write},
    {SYS_pwritev, CallKind::write},    {SYS_fsync, CallKind::sync},
    {SYS_fdatasync, CallKind::sync},   {SYS_msync, CallKind::sync},
    {SYS_renameat, CallKind::rename},  {SYS_renameat2, CallKind::rename},
    {SYS_linkat, CallKind::rename},    {SYS_unlinkat, CallKind::remove},
    {SYS_ftruncate, CallKind::resize}, {SYS_truncate, CallKind::resize},
    {SYS_fallocate, CallKind::resize}, {SYS_mkdirat, CallKind::make_folder},
#ifdef SYS_open  // Systems of the older kind have these beside.
    {SYS_open, CallKind::create},      {SYS_rename, CallKind::rename},
    {SYS_link, CallKind::rename},      {SYS_unlink, CallKind::remove},
    {SYS_rmdir, CallKind::remove},     {SYS_mkdir, CallKind::make_folder},
#endif
};

bool is_old(int number, int old) { return number == old; }

#ifdef SYS_open
constexpr int kOldOpen = SYS_open;
constexpr int kOldRename = SYS_rename;
constexpr int kOldLink = SYS_link;
constexpr int kOldUnlink = SYS_unlink;
constexpr int kOldRmdir = SYS_rmdir;
constexpr int kOldMkdir = SYS_mkdir;
#else
constexpr int kOldOpen = -1;
constexpr int kOldRename = -1;
constexpr int kOldLink = -1;
constexpr int kOldUnlink = -1;
constexpr int kOldRmdir = -1;
constexpr int kOldMkdir = -1;
#endif

CallKind kind_of(int number) {
  for (const Watched& each : kWatched) {
    if (each.number == number) return each.kind;
  }
  return CallKind::write;
}

sock_filter load(std::size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
}

std::size_t argument_offset(std::size_t at) {
  return offsetof(seccomp_data, args) + at * sizeof(std::uint64_t);
}

// Asks about the calls above: of openings only those that may make or empty a file, of writes only
// those not to a standard stream.
std::vector<sock_filter> filter() {
  const sock_filter ask = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
  const sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  std::vector<sock_filter> program = {load(offsetof(seccomp_data, nr))};
  for (const Watched& each : kWatched) {
    const auto number = static_cast<std::uint32_t>(each.number);
    if (each.kind == CallKind::create) {
      const std::size_t flags = argument_offset(each.number == kOldOpen ? 1 : 2);
      program.insert(program.end(),
                     {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4), load(flags),
                      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_CREAT | O_TRUNC, 0, 1), ask, allow});
    } else if (each.kind == CallKind::write) {
      program.insert(program.end(),
                     {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4), load(argument_offset(0)),
                      BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, STDERR_FILENO, 0, 1), ask, allow});
    } else {
      program.insert(program.end(), {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), ask});
    }
  }
  program.push_back(allow);
  return program;
}

bool send_descriptor(int socket, int descriptor) {
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  return ::sendmsg(socket, &message, 0) == 1;
}

// -1 when none comes.
int receive_descriptor(int socket) {
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (::recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1) return -1;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return -1;
  int descriptor = -1;
  std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
  return descriptor;
}

// Between fork and exec: system calls alone.
[[noreturn]] void become(char* const* words, const sock_fprog& filter, int socket, int kept,
                         int kept_as) {
  if (kept >= 0 && ::dup2(kept, kept_as) < 0) ::_exit(126);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) ::_exit(126);
  const long listener =
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
  if (listener < 0 || !send_descriptor(socket, static_cast<int>(listener))) ::_exit(126);
  ::close(static_cast<int>(listener));
  ::close(socket);
  ::execv("/proc/self/exe", words);
  ::_exit(127);
}

void answer_calls(int listener, pid_t process, const Decide& decide) {
  for (;;) {
    pollfd ready{listener, POLLIN, 0};
    if (::poll(&ready, 1, -1) < 0) continue;
    if ((ready.revents & POLLIN) == 0) return;  // The last thread has ended.
    seccomp_notif asked{};
    if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) continue;
    std::array<std::uint64_t, 6> arguments{};
    std::copy(std::begin(asked.data.args), std::end(asked.data.args), arguments.begin());
    const Answer answer =
        decide({process, static_cast<pid_t>(asked.pid), asked.data.nr, arguments});
    if (answer.killed) {
      ::kill(process, SIGKILL);
      continue;
    }
    seccomp_notif_resp response{};
    response.id = asked.id;
    response.error = -answer.error;
    if (answer.error == 0) response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);  // Fails when the thread is gone.
  }
}

}  // namespace

const char* name_of(CallKind kind) {
  switch (kind) {
    case CallKind::create:
      return "creation";
    case CallKind::write:
      return "write";
    case CallKind::sync:
      return "sync";
    case CallKind::rename:
      return "rename";
    case CallKind::remove:
      return "removal";
    case CallKind::resize:
      return "change of size";
    case CallKind::make_folder:
      return "new folder";
  }
  return "call";
}

Call::Call(pid_t process, pid_t thread, int number, std::array<std::uint64_t, 6> arguments)
    : process_(process),
      thread_(thread),
      number_(number),
      arguments_(arguments),
      kind_(kind_of(number)) {}

std::string Call::memory(std::uint64_t address, std::size_t size) const {
  std::string bytes(size, '\0');
  iovec here{bytes.data(), size};
  iovec there{reinterpret_cast<void*>(address), size};
  const ssize_t count = ::process_vm_readv(thread_, &here, 1, &there, 1, 0);
  bytes.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return bytes;
}

std::string Call::text_at(std::uint64_t address) const {
  // A text may end right before a page that is not there.
  constexpr std::uint64_t kPageBytes = 4'096;
  std::string text;
  while (text.size() < kPageBytes) {
    const std::string part = memory(address, kPageBytes - address % kPageBytes);
    const std::size_t end = part.find('\0');
    text += part.substr(0, end);
    if (part.empty() || end != std::string::npos) break;
    address += part.size();
  }
  return text;
}

std::string Call::opened_path(int file) const {
  const std::string name = file == AT_FDCWD ? "cwd" : "fd/" + std::to_string(file);
  std::error_code failed;
  return std::filesystem::read_symlink("/proc/" + std::to_string(thread_) + "/" + name, failed)
      .string();
}

std::string Call::absolute(std::uint64_t folder, std::uint64_t name_address) const {
  const std::string name = text_at(name_address);
  if (name.starts_with('/')) return name;
  return opened_path(static_cast<int>(folder)) + "/" + name;
}

std::string Call::path() const {
  constexpr auto kHere = static_cast<std::uint64_t>(AT_FDCWD);
  if (is_old(number_, kOldOpen) || is_old(number_, kOldRename) || is_old(number_, kOldLink) ||
      is_old(number_, kOldUnlink) || is_old(number_, kOldRmdir) || is_old(number_, kOldMkdir) ||
      number_ == SYS_truncate) {
    return absolute(kHere, arguments_[0]);
  }
  const bool named = kind_ == CallKind::create || kind_ == CallKind::rename ||
                     kind_ == CallKind::remove || kind_ == CallKind::make_folder;
  if (named) return absolute(arguments_[0], arguments_[1]);
  return opened_path(descriptor());
}

std::string Call::new_path() const {
  if (is_old(number_, kOldRename) || is_old(number_, kOldLink)) {
    return absolute(static_cast<std::uint64_t>(AT_FDCWD), arguments_[1]);
  }
  return absolute(arguments_[2], arguments_[3]);
}

bool Call::links() const { return number_ == SYS_linkat || is_old(number_, kOldLink); }

int Call::opening_flags() const {
  return static_cast<int>(arguments_[is_old(number_, kOldOpen) ? 1 : 2]);
}

bool Call::keeps_size() const {
  return number_ == SYS_fallocate && (arguments_[1] & FALLOC_FL_KEEP_SIZE) != 0;
}

bool Call::only_extends() const { return number_ == SYS_fallocate; }

std::string Call::bytes() const {
  if (number_ == SYS_write || number_ == SYS_pwrite64) return memory(arguments_[1], arguments_[2]);
  std::vector<iovec> parts(arguments_[2]);
  const std::string list = memory(arguments_[1], parts.size() * sizeof(iovec));
  std::memcpy(parts.data(), list.data(), list.size());
  std::string bytes;
  for (const iovec& part : parts) {
    bytes += memory(reinterpret_cast<std::uint64_t>(part.iov_base), part.iov_len);
  }
  return bytes;
}

std::uint64_t Call::position() const {
  if (kind_ == CallKind::resize) {
    if (number_ != SYS_fallocate) return arguments_[1];
    return keeps_size() ? 0 : arguments_[2] + arguments_[3];
  }
  if (number_ == SYS_pwrite64 || number_ == SYS_pwritev) return arguments_[3];
  std::ifstream info("/proc/" + std::to_string(thread_) + "/fdinfo/" +
                     std::to_string(descriptor()));
  std::string word;
  std::uint64_t position = 0;
  std::uint64_t flags = 0;
  while (info >> word) {
    if (word == "pos:") info >> position;
    if (word == "flags:") info >> std::oct >> flags >> std::dec;
  }
  if ((flags & O_APPEND) == 0) return position;
  std::error_code failed;
  const auto size = std::filesystem::file_size(path(), failed);
  return failed ? position : size;
}

bool Call::tear() const {
  if (number_ != SYS_write && number_ != SYS_pwrite64) return false;
  const auto process = static_cast<int>(::syscall(SYS_pidfd_open, process_, 0));
  const auto file = static_cast<int>(::syscall(SYS_pidfd_getfd, process, descriptor(), 0));
  const std::string half = memory(arguments_[1], arguments_[2] / 2);
  // The two descriptors share one position.
  const ssize_t written = number_ == SYS_write ? ::write(file, half.data(), half.size())
                                               : ::pwrite(file, half.data(), half.size(),
                                                          static_cast<off_t>(arguments_[3]));
  ::close(file);
  ::close(process);
  return written >= 0;
}

Result<int> run_watched(std::vector<std::string> words, int kept, int kept_as,
                        const Decide& decide) {
  std::vector<sock_filter> instructions = filter();
  const sock_fprog program{static_cast<unsigned short>(instructions.size()), instructions.data()};
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  int sockets[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) {
    return Error{Code::io, "no socket"};
  }
  const pid_t process = ::fork();
  if (process == 0) become(pointers.data(), program, sockets[1], kept, kept_as);
  ::close(sockets[1]);
  if (kept >= 0) ::close(kept);
  const int listener = receive_descriptor(sockets[0]);
  ::close(sockets[0]);
  if (listener >= 0) answer_calls(listener, process, decide);
  if (listener >= 0) ::close(listener);
  int status = 0;
  ::waitpid(process, &status, 0);
  if (listener < 0) return Error{Code::unavailable, "this system does not let calls be watched"};
  return status;
}

Status can_watch() {
  SEL_TRY(status,
          run_watched({"watched", "--nothing"}, -1, -1, [](const Call&) { return Answer{}; }));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return ok_status();
  return Error{Code::internal, "a watched program does not run"};
}

}  // namespace selvedge::crash
