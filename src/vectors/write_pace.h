// WritePace: writers wait for the linker while queries pay for what is not linked yet.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace selvedge::vectors {

// Every query looks at all recent rows, those that are not linked; they are linked more slowly than
// they are written. While nobody asks, writers go on as fast as they can. When queries have looked
// at many recent rows, a writer waits until as many were linked as it is about to add: there are
// not more of them then, and queries stay as quick as they are. Thread-safe.
class WritePace {
 public:
  // Of fewer recent rows nobody takes notice.
  static constexpr std::size_t kRecentFew = 256;
  // A query may look at so many for each row that is written.
  static constexpr std::size_t kLooksEach = 64;
  // No write waits longer.
  static constexpr std::chrono::milliseconds kWaitMost{1'000};

  // A query looks at so many recent rows.
  void look(std::size_t recent) const {
    if (recent > kRecentFew) looks_.fetch_add(recent, std::memory_order_relaxed);
  }
  // So many rows are recent now, and `linked` are not any more.
  void note(std::size_t recent, std::size_t linked);
  // Before a writer adds so many rows. Others that come meanwhile wait for their turn.
  void wait(std::size_t rows);

 private:
  mutable std::atomic<std::uint64_t> looks_ = 0;  // Since a write began, at recent rows.

  std::mutex turn_mutex_;    // Who has it waits for links.
  std::mutex counts_mutex_;  // Guards what follows.
  std::condition_variable noted_;
  std::size_t recent_ = 0;
  std::uint64_t linked_ = 0;
};

}  // namespace selvedge::vectors
