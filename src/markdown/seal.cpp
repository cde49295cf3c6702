// A list of what is refused instead of what is let in: libraries change what they call, and what
// could reach beyond this process is few.
#include "markdown/seal.h"

#include <cerrno>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/confinement.h"
#include "documents/conversion.h"

namespace selvedge::markdown {
namespace {

constexpr rlim_t kDescriptorsMax = 64;

// The memory of a sanitizer's own books alone is terabytes of addresses.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
#else
constexpr bool kSanitized = false;
#endif

Status failed(const std::string& what, int number) {
  return Error{Code::io, what + ": " + std::generic_category().message(number)};
}

Status limit_resources() {
  const auto set = [](auto resource, rlim_t most) {
    const rlimit limit{most, most};
    return ::setrlimit(resource, &limit) == 0;
  };
  const auto seconds = static_cast<rlim_t>(documents::kConvertMsMax / 1'000 + 1);
  bool done =
      set(RLIMIT_CPU, seconds) && set(RLIMIT_FSIZE, 0) && set(RLIMIT_NOFILE, kDescriptorsMax);
  if (!kSanitized) done = done && set(RLIMIT_AS, documents::kConverterBytesMax);
  return done ? ok_status() : failed("setrlimit", errno);
}

// Sockets, processes, changes to files, other processes' memory, ways around this list.
constexpr const char* kRefused[] = {"socket",
                                    "socketpair",
                                    "connect",
                                    "bind",
                                    "listen",
                                    "accept",
                                    "accept4",
                                    "sendmsg",
                                    "sendmmsg",
                                    "execve",
                                    "execveat",
                                    "fork",
                                    "vfork",
                                    "clone",
                                    "clone3",
                                    "ptrace",
                                    "kill",
                                    "tkill",
                                    "process_vm_readv",
                                    "process_vm_writev",
                                    "pidfd_open",
                                    "pidfd_getfd",
                                    "unlink",
                                    "unlinkat",
                                    "rename",
                                    "renameat",
                                    "renameat2",
                                    "mkdir",
                                    "mkdirat",
                                    "link",
                                    "linkat",
                                    "symlink",
                                    "symlinkat",
                                    "truncate",
                                    "creat",
                                    "chmod",
                                    "mknod",
                                    "mknodat",
                                    "mount",
                                    "openat2",
                                    "bpf",
                                    "io_uring_setup",
                                    "userfaultfd",
                                    "keyctl"};

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};

Status refuse_calls() {
  const std::unique_ptr<void, Release> filter(seccomp_init(SCMP_ACT_ALLOW));
  if (filter == nullptr) return failed("seccomp", ENOMEM);
  const auto refuse = [&filter](const char* name, std::span<const scmp_arg_cmp> conditions) {
    const int call = seccomp_syscall_resolve_name(name);
    // Not every architecture has every call.
    if (call == __NR_SCMP_ERROR || call < 0) return 0;
    return seccomp_rule_add_array(filter.get(), SCMP_ACT_ERRNO(EPERM), call,
                                  static_cast<unsigned>(conditions.size()), conditions.data());
  };
  int failure = 0;
  for (const char* name : kRefused) {
    if (failure == 0) failure = refuse(name, {});
  }
  // Files are opened to be read only: the flags are the third argument of openat, the second of
  // open.
  for (const scmp_datum_t flags :
       {scmp_datum_t{O_WRONLY}, scmp_datum_t{O_RDWR}, scmp_datum_t{O_CREAT}}) {
    for (const auto& [name, at] : {std::pair{"openat", 2u}, std::pair{"open", 1u}}) {
      const scmp_arg_cmp writing{at, SCMP_CMP_MASKED_EQ, flags, flags};
      if (failure == 0) failure = refuse(name, {&writing, 1});
    }
  }
  if (failure == 0) failure = seccomp_load(filter.get());
  return failure == 0 ? ok_status() : failed("seccomp", -failure);
}

// Best done, not needed: kernels may be without it.
void hide_files() {
  landlock_ruleset_attr handled{};
  handled.handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                              LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_EXECUTE;
  const auto rules =
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0));
  if (rules < 0) return;
  // Tables of characters and fonts, and the libraries that convert between character sets.
  for (const char* path : {"/usr", "/lib", "/lib64", "/etc/fonts", "/var/cache/fontconfig"}) {
    const int folder = ::open(path, O_PATH | O_CLOEXEC);
    if (folder < 0) continue;
    landlock_path_beneath_attr beneath{};
    beneath.allowed_access =
        LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_EXECUTE;
    beneath.parent_fd = folder;
    ::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    ::close(folder);
  }
  ::syscall(SYS_landlock_restrict_self, rules, 0);
  ::close(rules);
}

}  // namespace

Status seal_this_process() {
  SEL_CHECK_OK(confine_this_process());
  SEL_CHECK_OK(limit_resources());
  hide_files();
  return refuse_calls();
}

}  // namespace selvedge::markdown
