// WritePace: counts what queries look at, and what was linked.
#include "vectors/write_pace.h"

namespace selvedge::vectors {

void WritePace::note(std::size_t recent, std::size_t linked) {
  {
    const std::lock_guard lock(counts_mutex_);
    recent_ = recent;
    linked_ += linked;
  }
  noted_.notify_all();
}

void WritePace::wait(std::size_t rows) {
  const auto until = std::chrono::steady_clock::now() + kWaitMost;
  const std::lock_guard turn(turn_mutex_);
  if (looks_.exchange(0, std::memory_order_relaxed) < kLooksEach * rows) return;
  std::unique_lock lock(counts_mutex_);
  const std::uint64_t enough = linked_ + rows;
  noted_.wait_until(lock, until, [&] { return recent_ <= kRecentFew || linked_ >= enough; });
}

}  // namespace selvedge::vectors
