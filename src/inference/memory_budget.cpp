// Memory budget: sums, and the estimate of a model that is not loaded yet.
#include "inference/memory_budget.h"

#include <algorithm>
#include <cmath>

namespace selvedge::inference {
namespace {

constexpr std::uint64_t kBytesPerMegabyte = 1024 * 1024;
constexpr std::int32_t kContextTokensAssumed = 2'048;  // Per sequence.

// Key and value of one token over all layers. They grow with the square root of the weights: 23 KB
// for 135 million weights of 4 bits (98 MB), 131 KB for 8 billion (4.7 GB), 327 KB for 70 billion
// (40 GB). This factor is right for the smallest and up to 40% too much for the others.
constexpr double kCacheBytesPerTokenFactor = 2.3;

}  // namespace

bool MemoryBudget::take(Holder holder, std::uint64_t bytes) {
  if (bytes > free_bytes()) return false;
  held_[holder] = bytes;
  return true;
}

std::uint64_t MemoryBudget::held_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [holder, bytes] : held_) sum += bytes;
  return sum;
}

std::uint64_t MemoryBudget::held_bytes(Holder holder) const {
  const auto found = held_.find(holder);
  return found == held_.end() ? 0 : found->second;
}

std::uint64_t MemoryBudget::free_bytes() const {
  const std::uint64_t held = held_bytes();
  return held < total_ ? total_ - held : 0;
}

std::uint64_t estimate_memory_bytes(std::uint64_t weights_bytes, wire::ModelKind kind,
                                    std::int32_t sequences, std::int32_t context_tokens) {
  const auto weights = static_cast<double>(weights_bytes);
  double bytes = weights * 1.1;
  if (kind == wire::ModelKind::text_generation) {
    const std::int32_t window = context_tokens > 0 ? context_tokens : kContextTokensAssumed;
    const double tokens = static_cast<double>(window) * std::max(sequences, 1);
    bytes += tokens * kCacheBytesPerTokenFactor * std::sqrt(weights);
  }
  return static_cast<std::uint64_t>(bytes);
}

std::uint64_t whole_megabytes(std::uint64_t bytes) {
  return (bytes + kBytesPerMegabyte - 1) / kBytesPerMegabyte;
}

}  // namespace selvedge::inference
