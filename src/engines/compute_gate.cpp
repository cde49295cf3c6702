// Compute gate: a mutex, a condition and two numbers.
#include "engines/compute_gate.h"

#include <algorithm>

namespace selvedge::engines {

void ComputeGate::grant(std::int32_t threads) {
  std::unique_lock lock(state_mutex_);
  granted_ = std::max(threads, 0);
  changed_.notify_all();
  changed_.wait(lock, [this] { return in_use_ <= granted_; });
}

void ComputeGate::stop() {
  std::lock_guard lock(state_mutex_);
  stopped_ = true;
  changed_.notify_all();
}

void ComputeGate::reset() {
  std::lock_guard lock(state_mutex_);
  stopped_ = false;
}

bool ComputeGate::stopped() const {
  std::lock_guard lock(state_mutex_);
  return stopped_;
}

std::int32_t ComputeGate::enter(bool may_end) {
  std::unique_lock lock(state_mutex_);
  const auto ends = [&] { return may_end && (stopped_ || closing_); };
  changed_.wait(lock, [&] { return granted_ > 0 || ends() || closing_; });
  if (ends()) return 0;
  in_use_ = std::max(granted_, 1);
  return in_use_;
}

void ComputeGate::leave() {
  std::lock_guard lock(state_mutex_);
  in_use_ = 0;
  changed_.notify_all();
}

void ComputeGate::close() {
  std::lock_guard lock(state_mutex_);
  closing_ = true;
  changed_.notify_all();
}

}  // namespace selvedge::engines
