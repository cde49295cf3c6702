// Runner process: one child, started, listened to, killed and reaped.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <sys/types.h>

#include "base/result.h"
#include "inference/descriptor.h"
#include "inference/event.h"

namespace selvedge::inference {

// How a process ended.
struct ProcessEnd {
  bool by_signal = false;
  int number = 0;  // The signal, or the exit code.
};

// "exit code 3", "signal 9".
std::string describe(const ProcessEnd& end);

// The child inherits nothing but its end of the socket pair (as descriptor 3, told by `--fd 3`),
// an empty stdin, and one pipe for stdout and stderr, whose lines go to the log with the model's
// name. It has its own process group, so Ctrl-C at a terminal reaches the server alone. It is named
// by a pidfd: no other process is ever signalled, and it is reaped exactly once.
// I/O thread only.
class RunnerProcess : public std::enable_shared_from_this<RunnerProcess> {
  struct Parts {
    pid_t pid = 0;
    Descriptor handle;  // The pidfd.
    Descriptor socket;
    Descriptor output;
  };

 public:
  // Errors: io (no such executable, no descriptors left).
  static Result<std::shared_ptr<RunnerProcess>> start(asio::io_context& io,
                                                      const std::filesystem::path& executable,
                                                      std::string model);
  RunnerProcess(asio::io_context& io, Parts parts);  // For start() alone.
  // Kills the process if it still runs, and waits for its end.
  ~RunnerProcess();
  RunnerProcess(const RunnerProcess&) = delete;
  RunnerProcess& operator=(const RunnerProcess&) = delete;

  // Our end of the socket pair: can be taken once.
  Descriptor take_socket() { return std::move(socket_); }

  pid_t pid() const { return pid_; }
  void kill();

  // Called once, when the process has ended and is reaped.
  void on_end(std::function<void()> call) { on_end_ = std::move(call); }
  // Until it is reaped.
  asio::awaitable<void> wait_end();
  const std::optional<ProcessEnd>& end() const { return end_; }

 private:
  static Result<Parts> spawn(const std::filesystem::path& executable);
  void wait_for_handle();
  void reap();

  pid_t pid_;
  asio::posix::stream_descriptor handle_;
  Descriptor socket_;
  Event ended_;
  std::function<void()> on_end_;
  std::optional<ProcessEnd> end_;
};

}  // namespace selvedge::inference
