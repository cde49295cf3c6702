// Progress bar: bytes, share, speed and time left.
#include "cli/progress_bar.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

#include "catalog/model_table.h"
#include "cli/output.h"

namespace selvedge::cli {

namespace {

constexpr auto kTerminalPause = std::chrono::milliseconds(100);
constexpr auto kPlainPause = std::chrono::seconds(3);
constexpr std::size_t kBarColumns = 24;

std::size_t terminal_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

std::string bar(std::uint64_t done, std::uint64_t total) {
  const double share = static_cast<double>(done) / static_cast<double>(total);
  const auto filled = static_cast<std::size_t>(
      std::lround(std::clamp(share, 0.0, 1.0) * static_cast<double>(kBarColumns)));
  return "[" + std::string(filled, '#') + std::string(kBarColumns - filled, '.') + "] ";
}

std::string readable_time(double seconds) {
  if (seconds < 90) return std::to_string(std::lround(seconds)) + " s";
  if (seconds < 90 * 60) return std::to_string(std::lround(seconds / 60)) + " min";
  return std::to_string(std::lround(seconds / 3600)) + " h";
}

std::string amount(std::uint64_t count, std::string_view unit) {
  return unit.empty() ? catalog::readable_bytes(count) : std::to_string(count);
}

}  // namespace

std::string progress_text(std::uint64_t done, std::uint64_t total, std::uint64_t first_done,
                          double seconds, std::string_view unit) {
  std::string text = amount(done, unit);
  if (total > 0) text += " of " + amount(total, unit);
  if (!unit.empty()) text += " " + std::string(unit);
  if (total > 0) {
    text += ", " +
            std::to_string(static_cast<std::uint64_t>(100.0 * static_cast<double>(done) /
                                                      static_cast<double>(total))) +
            " %";
  }
  if (seconds < 0.2 || done <= first_done) return text;
  const double speed = static_cast<double>(done - first_done) / seconds;
  text += ", " + amount(static_cast<std::uint64_t>(speed), unit) + "/s";
  if (total > done) {
    text += ", " + readable_time(static_cast<double>(total - done) / speed) + " left";
  }
  return text;
}

ProgressBar::ProgressBar(std::string title, bool quiet, std::string unit)
    : title_(std::move(title)),
      unit_(std::move(unit)),
      quiet_(quiet),
      terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() { end_line(); }

void ProgressBar::end_line() {
  if (line_open_) std::fputc('\n', stderr);
  line_open_ = false;
}

void ProgressBar::update(std::uint64_t done, std::uint64_t total, std::string_view doing) {
  if (quiet_) return;
  const auto now = Clock::now();
  // A server that does not continue starts over, below where the step began.
  if (doing != doing_ || done < last_done_) {
    end_line();
    doing_ = doing;
    started_ = now;
    drawn_ = {};
    first_done_ = done;
  }
  last_done_ = done;
  const auto pause = terminal_ ? Clock::duration(kTerminalPause) : Clock::duration(kPlainPause);
  const bool last = terminal_ && total > 0 && done >= total;
  // Quick steps need no plain lines at all.
  const auto since = drawn_ == Clock::time_point{} && !terminal_ ? started_ : drawn_;
  if (last || now - since >= pause) draw(done, total, now);
}

void ProgressBar::draw(std::uint64_t done, std::uint64_t total, Clock::time_point now) {
  drawn_ = now;
  const double seconds = std::chrono::duration<double>(now - started_).count();
  const std::string text = progress_text(done, total, first_done_, seconds, unit_);
  if (!terminal_) {
    std::fprintf(stderr, "%s: %s, %s\n", title_.c_str(), doing_.c_str(), text.c_str());
    return;
  }
  std::string line = title_ + "  " + (total > 0 ? bar(done, total) : "") + doing_ + " " + text;
  const std::size_t columns = terminal_columns();
  while (!line.empty() && display_width(line) >= columns) line.pop_back();
  std::fprintf(stderr, "\r\x1b[K%s", line.c_str());
  std::fflush(stderr);
  line_open_ = true;
}

}  // namespace selvedge::cli
