// ChildRunner: starts a runner program over a socket pair and talks to it, for tests and
// benchmarks.
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "wire/blocking_channel.h"

namespace selvedge::scripted {

class ChildRunner {
 public:
  // Starts `program --fd N`; a program that cannot start looks like one that exits at once.
  explicit ChildRunner(const std::string& program);
  // Kills the runner if it still runs.
  ~ChildRunner();
  ChildRunner(const ChildRunner&) = delete;
  ChildRunner& operator=(const ChildRunner&) = delete;

  void send(const wire::Message& message);

  // The next message; nullopt when none comes in `wait`, or when the runner has closed its end.
  std::optional<wire::Message> next(
      std::chrono::milliseconds wait = std::chrono::milliseconds(10'000));

  // The next message of type T, dropping others.
  template <class T>
  std::optional<T> next_of(std::chrono::milliseconds wait = std::chrono::milliseconds(10'000)) {
    while (auto message = next(wait)) {
      if (auto* one = std::get_if<T>(&*message)) return std::move(*one);
    }
    return std::nullopt;
  }

  // Sends Load and Grant; the facts, or nullopt when the runner answered otherwise.
  std::optional<wire::Loaded> load(const wire::Load& load, std::int32_t threads = 1);

  // Closes our end, as a server that dies does.
  void hang_up() { channel_.reset(); }

  // Waits for the end of the process: its exit code, or 128 + signal; nullopt after `wait`.
  std::optional<int> wait_for_exit(
      std::chrono::milliseconds wait = std::chrono::milliseconds(10'000));

  pid_t pid() const { return pid_; }

 private:
  std::optional<wire::BlockingChannel> channel_;
  std::deque<wire::Message> received_;
  pid_t pid_ = -1;
};

}  // namespace selvedge::scripted
