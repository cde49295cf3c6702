// Lost pages: what a mapped file could not give. It reads as zeros, and is known, instead of ending
// the process.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"

namespace selvedge::vectors {

// Of all mappings of one index. A reader that found `made_good` before as `lost` was after has seen
// no page that was lost: the first never passes the second.
struct LossCount {
  std::atomic<std::uint64_t> lost = 0;
  std::atomic<std::uint64_t> made_good = 0;
};

// While one lives, a page of its memory that the disk fails to give (a SIGBUS: the disk has an
// error, or the file was cut) is replaced by zeros of our own. Pages that were written to are lost
// only with a file that is cut. Thread-safe.
class LostPages {
 public:
  // `memory` begins at a page and is mapped longer than this lives; `count` may be null.
  LostPages(char* memory, std::size_t bytes, std::shared_ptr<LossCount> count);
  ~LostPages();
  LostPages(const LostPages&) = delete;
  LostPages& operator=(const LostPages&) = delete;

  // Whether some were lost that nobody put back; whether any ever was.
  bool any() const { return lost_count_.load(std::memory_order_acquire) != 0; }
  bool ever() const { return ever_.load(std::memory_order_acquire); }
  // Whether some of bytes offset … offset + bytes were.
  bool any(std::size_t offset, std::size_t bytes) const;

  // `put` puts other memory in place of these bytes, whole pages, which count as good from then on
  // when it succeeds; none of them is replaced by zeros meanwhile.
  Status put_back(std::size_t offset, std::size_t bytes, const std::function<Status()>& put);

  // For the signal's handler. False: there is no memory to put there.
  bool lose(char* address);
  std::size_t bytes() const { return bytes_; }

 private:
  enum class State : std::uint8_t { of_file, lost, good };

  char* const memory_;
  const std::size_t bytes_;
  const std::shared_ptr<LossCount> count_;
  std::vector<State> pages_;  // Guarded by the lock that the handler takes.
  std::atomic<std::size_t> lost_count_ = 0;
  std::atomic<bool> ever_ = false;
};

}  // namespace selvedge::vectors
