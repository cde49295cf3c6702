// RunnerLoop: reads frames, steps the engine, writes events. The one thread of a runner.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "base/result.h"
#include "engines/engine.h"
#include "wire/blocking_channel.h"

namespace selvedge::engines {

// Exit codes of a runner.
inline constexpr int kExitEnded = 0;       // Shutdown, or the server closed the socket.
inline constexpr int kExitLoadFailed = 1;  // After Failed{task 0}.
inline constexpr int kExitProtocol = 2;    // A frame that is none, or out of its place.

class RunnerLoop {
 public:
  // `channel` must outlive the loop.
  RunnerLoop(wire::BlockingChannel& channel, Loader loader);

  // Serves until Shutdown, the end of the socket, or a failure; returns the exit code. Between two
  // steps of the engine every frame that has arrived is answered; without work, or without threads,
  // it sleeps in the kernel. Whatever an engine lets out as an exception becomes Failed{internal}
  // for the tasks it concerns, and the text goes to the log.
  int run();

 private:
  bool can_step() const;
  void handle(wire::Message message);
  void on(const wire::Load& load);
  void on(const wire::Grant& grant);
  void apply_grant();
  // What step() will do.
  template <class Task>
  void begin(Task& task);
  void on(const wire::Tokenize& task);
  void on(const wire::Cancel& cancel);
  void step();
  void fail(wire::TaskId task, Error error);
  void flush();
  void end(int exit_code);

  wire::BlockingChannel& channel_;
  Loader loader_;
  std::unique_ptr<Engine> engine_;
  std::int32_t threads_ = 0;
  std::optional<std::int32_t> granted_;  // Holds when the engine has ended what it computes now.
  std::set<wire::TaskId> tasks_;         // Started and not yet ended.
  std::vector<wire::Message> events_;
  std::optional<int> exit_code_;
};

}  // namespace selvedge::engines
