// Compute gate: between the loop, which is granted threads, and a thread that computes for minutes.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace selvedge::engines {

// A long computation is cut into turns. Before each it asks here how many threads it may use, and
// waits while there are none. Thread-safe: one thread computes, another one grants.
class ComputeGate {
 public:
  // The next turns may use `threads`; 0 = none, they wait. Returns once no turn runs with more.
  void grant(std::int32_t threads);

  // Turns are over: from now on enter() answers 0 where that is allowed, and waits for nothing.
  void stop();
  // The next computation begins.
  void reset();
  bool stopped() const;

  // Threads for one turn, which leave() ends; 0: the computation shall end here. Where it cannot
  // (`may_end` is false), a stopped gate still waits for threads, unless `closing`.
  std::int32_t enter(bool may_end);
  void leave();

  // Nobody will grant any more: what cannot end yet goes on with one thread.
  void close();

 private:
  mutable std::mutex state_mutex_;  // Guards all below; held for no work.
  std::condition_variable changed_;
  std::int32_t granted_ = 0;
  std::int32_t in_use_ = 0;
  bool stopped_ = false;
  bool closing_ = false;
};

}  // namespace selvedge::engines
