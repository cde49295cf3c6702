// Tests of starting other programs, of the signals meanwhile, and of the address of a server.
#include "cli/child_process.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "cli/local_server.h"
#include "cli/signal_watch.h"

namespace selvedge::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Programs : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "selvedge-child-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = fs::canonical(pattern);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // What a shell prints that runs `script` as `call` says.
  std::string printed(const std::string& script, ProgramCall call = {}) {
    call.command = {"/bin/sh", "-c", script};
    call.log = folder_ / "log";
    auto child = ChildProcess::start(call);
    EXPECT_TRUE(child.ok());
    code_ = child->wait();
    std::ifstream log(folder_ / "log");
    return {std::istreambuf_iterator<char>(log), {}};
  }

  fs::path folder_;
  int code_ = -1;
};

TEST_F(Programs, OutputGoesToTheLogAndInputIsEmpty) {
  EXPECT_EQ(printed("echo out; echo err >&2; cat; exit 3"), "out\nerr\n");
  EXPECT_EQ(code_, 3);
}

TEST_F(Programs, TheEnvironmentIsOursWithChanges) {
  ::setenv("SELVEDGE_TEST_KEPT", "kept", 1);
  ::setenv("SELVEDGE_TEST_GONE", "gone", 1);
  ::setenv("SELVEDGE_TEST_NEW", "old", 1);
  ProgramCall call;
  call.set = {{"SELVEDGE_TEST_NEW", "new = \"x\""}};
  call.unset = {"SELVEDGE_TEST_GONE"};
  EXPECT_EQ(printed("echo $SELVEDGE_TEST_KEPT-$SELVEDGE_TEST_GONE-$SELVEDGE_TEST_NEW", call),
            "kept--new = \"x\"\n");
}

TEST_F(Programs, ItStartsInItsFolder) {
  ProgramCall call;
  call.folder = folder_;
  EXPECT_EQ(printed("pwd", call), folder_.string() + "\n");
}

TEST_F(Programs, AProgramThatIsNotThereIsAnErrorWithItsName) {
  ProgramCall call;
  call.command = {(folder_ / "no-such").string()};
  auto child = ChildProcess::start(call);
  ASSERT_FALSE(child.ok());
  EXPECT_EQ(child.error().code, Code::io);
  EXPECT_THAT(child.error().message, HasSubstr("no-such: No such file"));
}

TEST_F(Programs, ASignalEndsItWith128AndItsNumberAndTellsTheWatch) {
  SignalWatch signals;
  ProgramCall call;
  call.command = {"/bin/sleep", "60"};
  call.background = true;
  auto child = ChildProcess::start(call);
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(child->exit_code(), std::nullopt);
  EXPECT_EQ(signals.wait(1), std::nullopt);
  child->send_signal(SIGTERM);
  auto told = signals.wait(5'000);
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->number, SIGCHLD);
  EXPECT_EQ(child->wait(), 128 + SIGTERM);
  EXPECT_EQ(child->exit_code(), 128 + SIGTERM);
}

TEST_F(Programs, WhatAChildLeavesBehindIsEndedAndASparedOneIsNot) {
  SignalWatch signals;
  adopt_orphans();
  ProgramCall call;
  call.command = {"/bin/sleep", "60"};
  auto spared = ChildProcess::start(call);
  ASSERT_TRUE(spared.ok());
  EXPECT_EQ(printed("sleep 60 & (trap '' TERM; while :; do sleep 1; done) & exit 0"), "");
  EXPECT_EQ(children_now().size(), 3u);
  end_children(spared->pid(), 200, signals);
  EXPECT_EQ(children_now(), std::vector<pid_t>{spared->pid()});
  EXPECT_EQ(spared->exit_code(), std::nullopt);
  end_children(std::nullopt, 5'000, signals);
  EXPECT_TRUE(children_now().empty());
}

TEST_F(Programs, AChildWithASessionOfItsOwnIsLeftAlone) {
  SignalWatch signals;
  adopt_orphans();
  EXPECT_EQ(printed("setsid -f sleep 60; sleep 0.2"), "");
  end_children(std::nullopt, 100, signals);
  const auto left = children_now();
  ASSERT_EQ(left.size(), 1u);
  ::kill(left[0], SIGKILL);
}

TEST(Signals, OneOfAPersonIsHeldAndDoesNotEndTheProcess) {
  SignalWatch signals;
  ::kill(::getpid(), SIGINT);
  auto told = signals.wait(5'000);
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->number, SIGINT);
  EXPECT_FALSE(told->from_terminal);
}

TEST(FindProgram, LooksInPath) {
  EXPECT_TRUE(find_program("sh").has_value());
  EXPECT_FALSE(find_program("selvedge-no-such-program").has_value());
}

TEST(LoopbackPort, IsOfPlainHttpOnThisMachineOnly) {
  EXPECT_EQ(loopback_port("http://127.0.0.1:7358"), "7358");
  EXPECT_EQ(loopback_port("http://localhost:80"), "80");
  EXPECT_EQ(loopback_port("http://[::1]:1"), "1");
  EXPECT_EQ(loopback_port("http://127.0.0.1"), "80");
  for (const char* url : {"https://127.0.0.1:1", "http://10.0.0.1:1", "http://127.0.0.1:1/x",
                          "http://127.0.0.1:", "http://127.0.0.1.example:1", ""}) {
    EXPECT_EQ(loopback_port(url), std::nullopt) << url;
  }
}

}  // namespace
}  // namespace selvedge::cli
