// SignalWatch: the signals that reach a verb while it waits for child processes.
#pragma once

#include <csignal>
#include <optional>

namespace selvedge::cli {

struct Signal {
  int number = 0;
  bool from_terminal = false;  // Ctrl-C and the like: every process of the terminal's job got it.
};

// While it lives, SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGCHLD do nothing but end `wait`. One at a
// time, on the main thread, before any other thread is started.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  // The next signal, or nothing after `ms`; without `ms` it waits as long as it takes.
  std::optional<Signal> wait(std::optional<int> ms = std::nullopt);

 private:
  sigset_t watched_;
  sigset_t before_;
};

}  // namespace selvedge::cli
