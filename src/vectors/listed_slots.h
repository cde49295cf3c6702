// ListedSlots: what lists leave of a filter, as a set and one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "vectors/slot_set.h"

namespace selvedge::vectors {

// Immutable; any thread.
class ListedSlots {
 public:
  explicit ListedSlots(SlotSet set) : set_(std::move(set)) {}

  const SlotSet& set() const { return set_; }
  std::size_t size() const { return size_; }
  // Ascending. Made when they are asked for first: whoever walks only looks into the set.
  std::span<const std::uint32_t> slots() const {
    std::call_once(asked_, [this] { slots_ = set_.to_vector(); });
    return slots_;
  }
  // With the slots, whether they were asked for or not.
  std::size_t bytes() const { return sizeof *this + set_.bytes() + size_ * sizeof(std::uint32_t); }

 private:
  SlotSet set_;
  std::size_t size_ = set_.size();
  mutable std::once_flag asked_;
  mutable std::vector<std::uint32_t> slots_;
};

}  // namespace selvedge::vectors
