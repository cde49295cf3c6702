// Pulse: whether a process does anything at all: told apart from one that is merely slow.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include <sys/types.h>

namespace selvedge::inference {

// One look at a process. Source: proc(5), /proc/PID/stat, fields 3, 14 and 15.
struct PulseReading {
  char state = '?';  // Of its first thread: R runs, D waits for a disk, S sleeps, T is stopped.
  std::uint64_t cpu_ticks = 0;  // Of all its threads, user and system.
};

// nullopt: not the text of a stat file.
std::optional<PulseReading> parse_stat(std::string_view text);

// nullopt: no such process (or no /proc).
std::optional<PulseReading> read_pulse(pid_t pid);

// Looks again and again and remembers when the process last did something: ran, waited for a disk
// or a debugger, or had used the processor since the look before. One that sleeps or is stopped
// without any of it does nothing.
class Pulse {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Nothing that was seen before counts.
  void restart(TimePoint now);
  // Without a reading nothing can be said: it counts as alive.
  void look(TimePoint now, const std::optional<PulseReading>& reading);
  // Time in which nobody could look is not the process's.
  void forgive(std::chrono::steady_clock::duration late) { moved_at_ += late; }
  TimePoint moved_at() const { return moved_at_; }

 private:
  TimePoint moved_at_{};
  std::optional<std::uint64_t> cpu_ticks_;
};

}  // namespace selvedge::inference
