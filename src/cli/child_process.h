// ChildProcess: another program, started with an environment of its own.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "cli/signal_watch.h"
#include "cli/worker_environment.h"

namespace selvedge::cli {

struct ProgramCall {
  std::vector<std::string> command;          // Path of the program, then its arguments.
  std::filesystem::path folder;              // Where it starts; empty: here.
  Variables set;                             // Added to our environment, or in place of it.
  std::vector<std::string_view> unset;       // Taken out of it.
  std::optional<std::filesystem::path> log;  // Takes stdout and stderr; stdin is then empty.
  // A group of its own, which Ctrl-C does not reach; gets SIGTERM when this process is gone.
  bool background = false;
};

// The whole file named `name` of a folder in PATH that may be executed.
std::optional<std::filesystem::path> find_program(std::string_view name);

// Neither waits nor kills when it goes out of scope.
class ChildProcess {
 public:
  // Errors: io (the program cannot be started, with the reason).
  static Result<ChildProcess> start(const ProgramCall& call);

  // Its exit code (128 + the signal that killed it) once it has ended; does not wait.
  std::optional<int> exit_code();

  void send_signal(int number);
  pid_t pid() const { return pid_; }

  // Waits for its end.
  int wait();

 private:
  explicit ChildProcess(pid_t pid) : pid_(pid) {}
  std::optional<int> look(int options);

  pid_t pid_;
  std::optional<int> exit_code_;
};

// From now on what a child leaves behind when it ends becomes a child of this process: `npx`, for
// one, ends on SIGTERM and leaves the program that it ran.
void adopt_orphans();

// The processes that this one is the parent of now.
std::vector<pid_t> children_now();

// Ends and reaps every child but `spared`, and what these leave behind: SIGTERM at first, SIGKILL
// for what is left after `ms_max`. A child that began a session of its own, as a browser that
// wrangler opened does, is left alone.
void end_children(std::optional<pid_t> spared, int ms_max, SignalWatch& signals);

}  // namespace selvedge::cli
