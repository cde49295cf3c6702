// fork and exec; a pipe that closes on exec tells why exec failed.
#include "cli/child_process.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace selvedge::cli {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> environment_of(const ProgramCall& call) {
  std::vector<std::string> lines;
  for (char** entry = ::environ; *entry != nullptr; ++entry) {
    const std::string_view line = *entry;
    const std::string_view name = line.substr(0, line.find('='));
    const bool replaced = std::any_of(call.set.begin(), call.set.end(),
                                      [&](const auto& one) { return one.first == name; });
    const bool removed = std::find(call.unset.begin(), call.unset.end(), name) != call.unset.end();
    if (!replaced && !removed) lines.emplace_back(line);
  }
  for (const auto& [name, value] : call.set) lines.push_back(name + "=" + value);
  return lines;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

struct Prepared {
  const char* folder = nullptr;
  int log = -1;
  bool background = false;
  pid_t parent = 0;
  int failure = -1;  // errno goes here when exec fails.
  char** arguments = nullptr;
  char** environment = nullptr;
};

// Between fork and exec: only calls that are safe there.
[[noreturn]] void become(const Prepared& prepared) {
  if (prepared.background) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != prepared.parent) ::_exit(1);
  }
  if (prepared.log >= 0) {
    const int empty = ::open("/dev/null", O_RDONLY);
    ::dup2(empty, STDIN_FILENO);
    ::dup2(prepared.log, STDOUT_FILENO);
    ::dup2(prepared.log, STDERR_FILENO);
  }
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD, SIGPIPE}) {
    ::signal(number, SIG_DFL);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (prepared.folder == nullptr || ::chdir(prepared.folder) == 0) {
    ::execve(prepared.arguments[0], prepared.arguments, prepared.environment);
  }
  const int reason = errno;
  [[maybe_unused]] const auto written = ::write(prepared.failure, &reason, sizeof reason);
  ::_exit(127);
}

}  // namespace

void adopt_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

std::vector<pid_t> children_now() {
  const std::string self = std::to_string(::getpid());
  std::ifstream list("/proc/" + self + "/task/" + self + "/children");
  return {std::istream_iterator<pid_t>(list), std::istream_iterator<pid_t>()};
}

void end_children(std::optional<pid_t> spared, int ms_max, SignalWatch& signals) {
  using Clock = std::chrono::steady_clock;
  const auto late = Clock::now() + std::chrono::milliseconds(ms_max);
  std::set<pid_t> asked;
  bool left = true;
  while (left) {
    left = false;
    for (const pid_t pid : children_now()) {
      if (pid == spared || ::waitpid(pid, nullptr, WNOHANG) == pid) continue;
      if (::getsid(pid) != ::getsid(0)) continue;
      left = true;
      if (Clock::now() >= late) {
        ::kill(pid, SIGKILL);
      } else if (asked.insert(pid).second) {
        ::kill(pid, SIGTERM);
      }
    }
    if (left) signals.wait(20);
  }
}

std::optional<fs::path> find_program(std::string_view name) {
  const char* folders = std::getenv("PATH");
  std::string_view rest = folders == nullptr ? "" : folders;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    const fs::path file = fs::path(rest.substr(0, end)) / name;
    std::error_code ignored;
    if (fs::is_regular_file(file, ignored) && ::access(file.c_str(), X_OK) == 0) return file;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::nullopt;
}

Result<ChildProcess> ChildProcess::start(const ProgramCall& call) {
  std::vector<std::string> command = call.command;
  std::vector<std::string> environment = environment_of(call);
  std::vector<char*> arguments = pointers_to(command);
  std::vector<char*> variables = pointers_to(environment);
  Prepared prepared{.folder = call.folder.empty() ? nullptr : call.folder.c_str(),
                    .background = call.background,
                    .parent = ::getpid(),
                    .arguments = arguments.data(),
                    .environment = variables.data()};
  if (call.log) {
    prepared.log = ::open(call.log->c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (prepared.log < 0) {
      return Error{Code::io, "cannot write " + call.log->string() + ": " + std::strerror(errno)};
    }
  }
  int told[2] = {-1, -1};
  if (::pipe2(told, O_CLOEXEC) != 0) return Error{Code::io, "no pipe is left"};
  prepared.failure = told[1];
  const pid_t pid = ::fork();
  if (pid == 0) become(prepared);
  ::close(told[1]);
  if (prepared.log >= 0) ::close(prepared.log);
  int reason = pid < 0 ? errno : 0;
  if (pid > 0) {
    while (::read(told[0], &reason, sizeof reason) < 0 && errno == EINTR) {
    }
  }
  ::close(told[0]);
  if (reason == 0) return ChildProcess(pid);
  if (pid > 0) ::waitpid(pid, nullptr, 0);
  return Error{Code::io, "cannot start " + command[0] + ": " + std::strerror(reason)};
}

std::optional<int> ChildProcess::look(int options) {
  if (exit_code_) return exit_code_;
  int status = 0;
  pid_t got = 0;
  do {
    got = ::waitpid(pid_, &status, options);
  } while (got < 0 && errno == EINTR);
  if (got == 0) return std::nullopt;
  exit_code_ = got < 0 ? 127 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return exit_code_;
}

std::optional<int> ChildProcess::exit_code() { return look(WNOHANG); }

int ChildProcess::wait() { return look(0).value_or(127); }

void ChildProcess::send_signal(int number) {
  if (!exit_code_) ::kill(pid_, number);
}

}  // namespace selvedge::cli
