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

  // What adding needs, by value: a store of a stamp could otherwise be one to the members.
  class Marks {
   public:
    Marks(std::uint8_t* stamps, Slot last, std::uint8_t now)
        : stamps_(stamps), last_(last), now_(now) {}

    // Whether the slot is new; from now on it is not. Without a branch on what it is: nobody can
    // predict it.
    bool add(Slot slot) const {
      std::uint8_t& stamp = stamps_[std::min(slot, last_)];
      const bool fresh = stamp != now_;
      stamp = now_;
      return fresh;
    }

   private:
    std::uint8_t* stamps_;
    Slot last_;
    std::uint8_t now_;
  };
  // Valid until the next reset.
  Marks marks() { return {stamps_.data(), last_, now_}; }

  void add(Slot slot) { marks().add(slot); }

  // Leaves in `slots` those that are new, in their order, and returns how many they are; from now
  // on they are not.
  std::size_t add_all(Slot* slots, std::size_t count) {
    const Marks marked = marks();
    std::size_t kept = 0;
    for (std::size_t at = 0; at < count; ++at) {
      const Slot slot = slots[at];
      slots[kept] = slot;
      kept += marked.add(slot) ? 1U : 0U;
    }
    return kept;
  }

 private:
  std::vector<std::uint8_t> stamps_;
  Slot last_ = 0;  // Where what is beyond is noted.
  std::uint8_t now_ = 0;
};

}  // namespace selvedge::ann
