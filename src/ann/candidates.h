// Candidates: the best slots that a search has seen, best first, and which of them it has followed.
#pragma once

#include <cstddef>
#include <cstring>
#include <limits>
#include <vector>

#include "ann/slot.h"

namespace selvedge::ann {

// Larger scores are nearer.
struct Candidate {
  float score = 0;
  Slot slot = kNoSlot;
};

// Sorted, at most `width` long. Slots use 31 bits; the highest says that a slot was followed.
class Candidates {
 public:
  static constexpr Slot kFollowed = 0x80000000;

  void reset(std::size_t width) {
    width_ = width;
    count_ = 0;
    next_ = 0;
    if (list_.size() < width + 1) list_.resize(width + 1);
  }

  std::size_t size() const { return count_; }
  bool full() const { return count_ == width_; }
  // Lower scores will not be taken.
  float worst() const {
    return full() ? list_[count_ - 1].score : -std::numeric_limits<float>::infinity();
  }
  Slot slot(std::size_t at) const { return list_[at].slot & ~kFollowed; }
  float score(std::size_t at) const { return list_[at].score; }
  // How far ahead of everything else the next one to follow lies.
  std::size_t next_at() const { return next_; }

  // The place it was put, or `width` when it is not among the best.
  std::size_t offer(float score, Slot slot) {
    if (count_ == width_ && !(score > list_[count_ - 1].score)) return width_;
    std::size_t low = 0;
    std::size_t high = count_;
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (list_[middle].score >= score) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (count_ < width_) ++count_;
    std::memmove(&list_[low + 1], &list_[low], (count_ - 1 - low) * sizeof(Candidate));
    list_[low] = {score, slot};
    if (low < next_) next_ = low;
    return low;
  }

  // The best one that was not followed yet, which is followed now; kNoSlot when there is none.
  Slot follow() {
    while (next_ < count_ && (list_[next_].slot & kFollowed) != 0) ++next_;
    if (next_ == count_) return kNoSlot;
    const Slot slot = list_[next_].slot;
    list_[next_].slot |= kFollowed;
    return slot;
  }

 private:
  std::vector<Candidate> list_;
  std::size_t width_ = 0;
  std::size_t count_ = 0;
  std::size_t next_ = 0;  // None before it is to be followed.
};

}  // namespace selvedge::ann
