// Progress bar: what a long step has done, on stderr.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace selvedge::cli {

// On a terminal one line that is drawn over, at most ten times a second; elsewhere a plain line
// every few seconds; with `quiet` nothing. Not thread-safe.
class ProgressBar {
 public:
  // `title` names what is worked on, as a file. `unit` names what is counted, as "vectors"; empty:
  // bytes.
  ProgressBar(std::string title, bool quiet, std::string unit = {});
  ~ProgressBar();  // Ends the line.
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // `total` 0 = unknown. Another `doing` starts a step of its own.
  void update(std::uint64_t done, std::uint64_t total, std::string_view doing);

 private:
  using Clock = std::chrono::steady_clock;

  void draw(std::uint64_t done, std::uint64_t total, Clock::time_point now);
  void end_line();

  std::string title_;
  std::string unit_;
  bool quiet_;
  bool terminal_;
  bool line_open_ = false;
  std::string doing_;
  Clock::time_point started_;
  Clock::time_point drawn_;
  std::uint64_t first_done_ = 0;  // Of the step: a continued download starts above 0.
  std::uint64_t last_done_ = 0;
};

// "fetching 1.2 of 4.9 GB, 25 %, 31 MB/s, 2 min left": the words of a bar. Seconds since the step
// began, and the bytes that were done then, give the speed. With a unit: "1200 of 5000 vectors, …".
std::string progress_text(std::uint64_t done, std::uint64_t total, std::uint64_t first_done,
                          double seconds, std::string_view unit = {});

}  // namespace selvedge::cli
