// Candidates: the best slots that a search has seen, best first, and which of them it has followed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "ann/slot.h"

namespace selvedge::ann {

// Larger scores are nearer. Sorted, at most `width` long. Slots use 31 bits; the highest says that
// a slot was followed.
class Candidates {
 public:
  static constexpr Slot kFollowed = 0x80000000;

  void reset(std::size_t width) {
    width_ = width;
    count_ = 0;
    next_ = 0;
    const std::size_t padded = (width / kCounted + 1) * kCounted;
    if (scores_.size() < padded) {
      scores_.resize(padded);
      slots_.resize(padded);
    }
    std::fill_n(scores_.begin(), padded, kNone);
  }

  std::size_t size() const { return count_; }
  bool full() const { return count_ == width_; }
  // Lower scores will not be taken.
  float worst() const { return full() ? scores_[count_ - 1] : kNone; }
  Slot slot(std::size_t at) const { return slots_[at] & ~kFollowed; }
  float score(std::size_t at) const { return scores_[at]; }
  // How far ahead of everything else the next one to follow lies.
  std::size_t next_at() const { return next_; }

  // The place it was put, or `width` when it is not among the best.
  std::size_t offer(float score, Slot slot) {
    if (count_ == width_ && !(score > scores_[count_ - 1])) return width_;
    const std::size_t place = better_count(score);
    if (count_ < width_) ++count_;
    const std::size_t behind = count_ - 1 - place;
    std::memmove(&scores_[place + 1], &scores_[place], behind * sizeof(float));
    std::memmove(&slots_[place + 1], &slots_[place], behind * sizeof(Slot));
    scores_[place] = score;
    slots_[place] = slot;
    if (place < next_) next_ = place;
    return place;
  }

  // The best one that was not followed yet, which is followed now; kNoSlot when there is none.
  Slot follow() {
    while (next_ < count_ && (slots_[next_] & kFollowed) != 0) ++next_;
    if (next_ == count_) return kNoSlot;
    const Slot slot = slots_[next_];
    slots_[next_] |= kFollowed;
    return slot;
  }

 private:
  static constexpr std::size_t kCounted = 16;
  static constexpr float kNone = -std::numeric_limits<float>::infinity();

  // How many scores are as good. Few are looked at one after the other, without a branch on what
  // they are; of many, a search finds the few.
  std::size_t better_count(float score) const {
    constexpr std::size_t kFew = 8 * kCounted;
    std::size_t low = 0;
    std::size_t end = (count_ + kCounted - 1) / kCounted * kCounted;
    while (end - low > kFew) {
      const std::size_t middle = (low + end) / 2 / kCounted * kCounted;
      if (scores_[middle] >= score) {
        low = middle;
      } else {
        end = middle;
      }
    }
    auto better = static_cast<std::uint32_t>(low);
    for (const float* from = scores_.data() + low; low < end; low += kCounted, from += kCounted) {
      for (std::size_t at = 0; at < kCounted; ++at) better += from[at] >= score ? 1U : 0U;
    }
    return better;
  }

  std::vector<float> scores_;  // Those beyond the count are kNone.
  std::vector<Slot> slots_;
  std::size_t width_ = 0;
  std::size_t count_ = 0;
  std::size_t next_ = 0;  // None before it is to be followed.
};

}  // namespace selvedge::ann
