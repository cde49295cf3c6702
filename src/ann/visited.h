// Visited: the slots that a search has come by.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ann/slot.h"

namespace selvedge::ann {

// A byte for each slot, which holds the number of the last search that came by: nothing is cleared
// between searches but every 255th time.
class Visited {
 public:
  // Forgets all. Slots are below `capacity`; of others, which a graph that grows meanwhile may
  // show, one counts as new and the rest as known.
  void reset(std::size_t capacity) {
    if (stamps_.size() <= capacity) stamps_.resize(capacity + capacity / 4 + 1, 0);
    last_ = static_cast<Slot>(stamps_.size() - 1);
    if (++now_ != 0) return;
    std::fill(stamps_.begin(), stamps_.end(), std::uint8_t{0});
    now_ = 1;
  }

  void add(Slot slot) { stamps_[std::min(slot, last_)] = now_; }

  // Leaves in `slots` those that are new, in their order, and returns how many they are; from now
  // on they are not. Without a branch on what they are: nobody can predict it.
  std::size_t add_all(Slot* slots, std::size_t count) {
    std::uint8_t* const stamps = stamps_.data();
    std::size_t kept = 0;
    for (std::size_t at = 0; at < count; ++at) {
      const Slot slot = slots[at];
      std::uint8_t& stamp = stamps[std::min(slot, last_)];
      slots[kept] = slot;
      kept += stamp != now_ ? 1U : 0U;
      stamp = now_;
    }
    return kept;
  }

 private:
  std::vector<std::uint8_t> stamps_;
  Slot last_ = 0;  // Where what is beyond is noted.
  std::uint8_t now_ = 0;
};

}  // namespace selvedge::ann
