// Runner process: what a child inherits, how its end is seen, and that nothing of it stays.
#include "inference/runner_process.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

namespace selvedge::inference {
namespace {

using std::chrono::seconds;

class RunnerProcessTest : public testing::Test {
 protected:
  RunnerProcessTest() {
    std::string name = (std::filesystem::temp_directory_path() / "selvedge-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~RunnerProcessTest() override { std::filesystem::remove_all(folder_); }

  std::shared_ptr<RunnerProcess> start(const std::string& script) {
    const auto program = folder_ / "program";
    std::ofstream(program) << "#!/bin/sh\n" << script << "\n";
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    auto process = RunnerProcess::start(io_, program, "test");
    EXPECT_TRUE(process.ok()) << process.error().message;
    return process.ok() ? process.value() : nullptr;
  }

  std::optional<ProcessEnd> end_of(const std::shared_ptr<RunnerProcess>& process) {
    bool ended = false;
    process->on_end([&] { ended = true; });
    for (int turn = 0; turn < 500 && !ended; ++turn) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(10));
    }
    return process->end();
  }

  // What the child writes to its socket, until it closes it.
  static std::string read_all(const Descriptor& socket) {
    std::string text;
    std::array<char, 256> chunk{};
    for (;;) {
      const ssize_t count = ::read(socket.get(), chunk.data(), chunk.size());
      if (count <= 0) return text;
      text.append(chunk.data(), static_cast<std::size_t>(count));
    }
  }

  std::filesystem::path folder_;
  asio::io_context io_;
};

TEST_F(RunnerProcessTest, TheChildHoldsItsSocketAndTheStandardDescriptorsOnly) {
  // Not marked close-on-exec, as the sockets of clients are not.
  const Descriptor null(::open("/dev/null", O_RDONLY));
  const Descriptor of_a_client(::fcntl(null.get(), F_DUPFD, 77));
  const auto process = start("cd /proc/$$/fd; echo $1 $2 * >&3");
  const Descriptor socket = process->take_socket();

  // The shell has one of its own besides, of the script it reads.
  const std::string seen = read_all(socket);
  EXPECT_TRUE(seen.starts_with("--fd 3 0 1 ")) << seen;
  EXPECT_EQ(seen.find(" 77"), std::string::npos) << seen;
  EXPECT_TRUE(end_of(process));
}

TEST_F(RunnerProcessTest, AnExitCodeIsSeen) {
  const auto end = end_of(start("exit 7"));
  ASSERT_TRUE(end);
  EXPECT_FALSE(end->by_signal);
  EXPECT_EQ(describe(*end), "exit code 7");
}

TEST_F(RunnerProcessTest, AKilledProcessEndsBySignal) {
  const auto process = start("exec sleep 60");
  process->kill();
  const auto end = end_of(process);
  ASSERT_TRUE(end);
  EXPECT_EQ(describe(*end), "signal 9");
}

TEST_F(RunnerProcessTest, AnEndedProcessIsReapedAndNotSignalledAgain) {
  const auto process = start("exit 0");
  ASSERT_TRUE(end_of(process));
  process->kill();
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST_F(RunnerProcessTest, DestroyingItLeavesNoProcess) {
  auto process = start("exec sleep 60");
  const pid_t pid = process->pid();
  process.reset();
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

TEST_F(RunnerProcessTest, AProgramThatIsNotThereIsAnError) {
  const auto process = RunnerProcess::start(io_, folder_ / "nothing", "test");
  ASSERT_FALSE(process.ok());
  EXPECT_EQ(process.error().code, Code::io);
}

TEST_F(RunnerProcessTest, OutputOfAnyShapeIsTakenAndStopsNobody) {
  const auto process = start("head -c 300000 /dev/zero; echo; echo error: x >&2; printf tail");
  EXPECT_TRUE(end_of(process));
}

}  // namespace
}  // namespace selvedge::inference
