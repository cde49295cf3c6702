// Tests of what a converter gives up, each in a child that is sealed.
#include "markdown/seal.h"

#include <cerrno>
#include <csignal>
#include <functional>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/landlock.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace selvedge::markdown {
namespace {

// Whether `works` in a sealed child.
bool sealed(const std::function<bool()>& works) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (!seal_this_process().ok()) ::_exit(2);
    ::_exit(works() ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_NE(WEXITSTATUS(status), 2) << "the kernel refuses the seal";
  return WEXITSTATUS(status) == 1;
}

TEST(Seal, NoSocketsNoProcessesNoWriting) {
  EXPECT_FALSE(sealed([] { return ::socket(AF_INET, SOCK_STREAM, 0) >= 0; }));
  EXPECT_FALSE(sealed([] { return ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0; }));
  EXPECT_FALSE(sealed([] { return ::execl("/bin/true", "true", nullptr) == 0 || errno != EPERM; }));
  EXPECT_FALSE(sealed([] {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    return child >= 0;
  }));
  EXPECT_FALSE(sealed([] { return ::open("/tmp/selvedge-seal", O_RDONLY | O_CREAT, 0600) >= 0; }));
  EXPECT_FALSE(sealed([] { return ::kill(::getppid(), 0) == 0; }));
  EXPECT_FALSE(sealed([] { return ::open("/tmp", O_WRONLY | O_TMPFILE, 0600) >= 0; }));
  EXPECT_FALSE(sealed([] { return ::open("/dev/null", O_RDWR) >= 0; }));
}

TEST(Seal, WhatAParserNeedsWorks) {
  EXPECT_TRUE(sealed([] { return ::open("/usr", O_RDONLY | O_DIRECTORY) >= 0; }));
  EXPECT_TRUE(sealed([] { return std::function<int()>([] { return 1; })() == 1; }));
  EXPECT_TRUE(sealed([] {
    return ::mmap(nullptr, 64u << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
           MAP_FAILED;
  }));
}

TEST(Seal, OtherFilesAreHiddenWhereTheKernelCan) {
  if (::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) < 1) {
    GTEST_SKIP() << "this kernel has no Landlock";
  }
  EXPECT_FALSE(sealed([] { return ::open("/etc/passwd", O_RDONLY) >= 0; }));
}

}  // namespace
}  // namespace selvedge::markdown
