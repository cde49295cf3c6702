// ErrorSpread: by how much a quick score was wrong so far, and so by how much the next one may be.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace selvedge::ann {

// Mean and deviation of errors as they are met; taken as normally distributed.
class ErrorSpread {
 public:
  void add(double error) {
    count_ += 1;
    sum_ += error;
    squares_ += error * error;
  }
  std::size_t count() const { return static_cast<std::size_t>(count_); }
  // Errors are seldom larger than the mean and so many deviations. At least one was added.
  double most(double deviations) const {
    const double mean = sum_ / count_;
    return mean + deviations * std::sqrt(std::max(0.0, squares_ / count_ - mean * mean));
  }

 private:
  double count_ = 0;
  double sum_ = 0;
  double squares_ = 0;
};

}  // namespace selvedge::ann
