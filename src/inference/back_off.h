// Back-off: how long to wait before a runner that failed is started again.
#pragma once

#include <algorithm>
#include <chrono>

namespace selvedge::inference {

// The first restart is immediate; then `first`, twice as long each time, up to `longest`. A runner
// that was well for `healthy` before it failed starts the count anew.
class BackOff {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::milliseconds;

  BackOff(Duration first, Duration longest, Duration healthy)
      : first_(first), longest_(longest), healthy_(healthy) {}

  // A runner failed `now`, after it was ready for `well`.
  void failed(TimePoint now, TimePoint::duration well) {
    if (well >= healthy_) failures_ = 0;
    ++failures_;
    Duration delay{0};
    if (failures_ > 1) {
      // More doublings than these exceed any sensible `longest`, and would overflow.
      delay = std::min(longest_, first_ * (1 << std::min(failures_ - 2, 20)));
    }
    not_before_ = now + delay;
  }

  // The moment of the next start.
  TimePoint not_before() const { return not_before_; }

 private:
  Duration first_;
  Duration longest_;
  Duration healthy_;
  int failures_ = 0;
  TimePoint not_before_;
};

}  // namespace selvedge::inference
