// Published: a short queue under a mutex; freeing happens outside of it.
#include "vectors/published.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

#include "base/limits.h"

namespace selvedge::vectors {

Published::State Published::current() const {
  std::vector<Waiting> gone;
  const std::lock_guard lock(states_mutex_);
  promote(gone);
  return visible_;
}

bool Published::is_late(Delay delay) const {
  std::vector<Waiting> gone;
  const std::lock_guard lock(states_mutex_);
  promote(gone);
  return delay.count() > 0 || !waiting_.empty();
}

bool Published::needs_records() const {
  const std::lock_guard lock(states_mutex_);
  return newest().records == nullptr;
}

void Published::set_records(std::shared_ptr<const Database::View> records) {
  const std::lock_guard lock(states_mutex_);
  State& last = waiting_.empty() ? visible_ : waiting_.back().state;
  last.records = std::move(records);
}

void Published::refresh(std::shared_ptr<const Snapshot> snapshot) {
  const std::lock_guard lock(states_mutex_);
  State& last = waiting_.empty() ? visible_ : waiting_.back().state;
  // Swapped: the old one is freed after the unlock, with the parameter.
  last.snapshot.swap(snapshot);
}

void Published::publish(State state, Delay delay) {
  std::vector<Waiting> gone;
  const std::lock_guard lock(states_mutex_);
  promote(gone);
  if (delay.count() <= 0 && waiting_.empty()) {
    // Swapped, so that freeing chunks of the old one happens after the unlock.
    gone.push_back({0, std::move(state)});
    std::swap(visible_, gone.back().state);
    return;
  }
  const std::int64_t due = steady_us_() + delay.count();
  const std::int64_t earliest = waiting_.empty() ? due : waiting_.back().due_us;
  waiting_.push_back({std::max(due, earliest), std::move(state)});
  if (waiting_.size() > limits::delayed_states_max) leave_one_out(gone);
}

void Published::leave_one_out(std::vector<Waiting>& gone) {
  std::size_t least_missed = 1;
  std::int64_t shortest = std::numeric_limits<std::int64_t>::max();
  for (std::size_t at = 1; at + 1 < waiting_.size(); ++at) {
    const std::int64_t gap = waiting_[at + 1].due_us - waiting_[at - 1].due_us;
    if (gap >= shortest) continue;
    shortest = gap;
    least_missed = at;
  }
  gone.push_back(std::move(waiting_[least_missed]));
  waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(least_missed));
}

void Published::promote(std::vector<Waiting>& gone) const {
  if (waiting_.empty()) return;
  const std::int64_t now = steady_us_();
  while (!waiting_.empty() && waiting_.front().due_us <= now) {
    std::swap(visible_, waiting_.front().state);
    gone.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

}  // namespace selvedge::vectors
