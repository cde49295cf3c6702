// Memory budget: how much memory the runners hold, against the stated limit.
#pragma once

#include <cstdint>
#include <map>

#include "wire/messages.h"

namespace selvedge::inference {

// Pure bookkeeping. One thread.
class MemoryBudget {
 public:
  using Holder = const void*;  // Only compared: whoever loads a model.

  explicit MemoryBudget(std::uint64_t bytes) : total_(bytes) {}

  // Holds `bytes` for `holder` when they fit; otherwise changes nothing and returns false.
  bool take(Holder holder, std::uint64_t bytes);
  // What the holder turned out to need, which may be more than there is.
  void correct(Holder holder, std::uint64_t bytes) { held_[holder] = bytes; }
  void release(Holder holder) { held_.erase(holder); }

  std::uint64_t total_bytes() const { return total_; }
  std::uint64_t held_bytes() const;
  std::uint64_t held_bytes(Holder holder) const;
  std::uint64_t free_bytes() const;  // 0 when more is held than there is.

 private:
  std::uint64_t total_;
  std::map<Holder, std::uint64_t> held_;
};

// What a runner will need, before it is loaded: the weights, the caches of its sequences, and the
// buffers of the computation. `context_tokens` of 0: a usual window is assumed.
std::uint64_t estimate_memory_bytes(std::uint64_t weights_bytes, wire::ModelKind kind,
                                    std::int32_t sequences, std::int32_t context_tokens);

// "1,234 MB"-like figures for messages: whole megabytes, rounded up.
std::uint64_t whole_megabytes(std::uint64_t bytes);

}  // namespace selvedge::inference
