// Published: what readers of one index see: the newest state, or, where writes are delayed, the
// newest one whose time has come.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "vectors/database.h"
#include "vectors/snapshot.h"

namespace selvedge::vectors {

using Delay = std::chrono::microseconds;

// Published by one writer at a time; any number of readers, which never wait. States become visible
// in the order of their mutations: one never before those published earlier.
//
// Memory: a state that waits shares its rows with the newest one. What is kept for it are the rows,
// and on disk the records, that later writes replaced or erased, until the state that takes its
// place is visible and somebody reads or writes the index. At most limits::delayed_states_max
// states wait; with one more, that between the nearest two is left out, so that its writes appear
// with those of the next one.
class Published {
 public:
  using Clock = std::function<std::int64_t()>;  // Microseconds that only grow.

  struct State {
    std::shared_ptr<const Snapshot> snapshot;
    // The records that belong to it; null: the newest ones.
    std::shared_ptr<const Database::View> records;
  };

  explicit Published(Clock steady_us) : steady_us_(std::move(steady_us)) {}

  // What a reader sees that begins now.
  State current() const;

  // Before the records of a write are committed: whether it will be visible later than they are.
  // Then all states need records of their own; needs_records() is whether the newest lacks them.
  bool is_late(Delay delay) const;
  bool needs_records() const;
  void set_records(std::shared_ptr<const Database::View> records);

  // The newest state as it is now: the same mutation, with other numbers of what is linked.
  void refresh(std::shared_ptr<const Snapshot> snapshot);

  // Visible after `delay`, and not before what was published earlier.
  void publish(State state, Delay delay);

 private:
  struct Waiting {
    std::int64_t due_us = 0;
    State state;
  };

  // Moves what is due to `visible_`; what it replaces to `gone`, to be freed after the unlock.
  void promote(std::vector<Waiting>& gone) const;
  void leave_one_out(std::vector<Waiting>& gone);
  const State& newest() const { return waiting_.empty() ? visible_ : waiting_.back().state; }

  const Clock steady_us_;
  mutable std::mutex states_mutex_;  // Guards what follows, for as long as it takes to copy it.
  mutable State visible_;
  mutable std::deque<Waiting> waiting_;  // The next one to be visible first.
};

}  // namespace selvedge::vectors
