// Postings: for each of a property's values, the slots that have it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vectors/slot_set.h"

namespace selvedge::vectors {

// Brings slots into ascending order; faster than std::sort where they are many.
void sort_slots(std::vector<std::uint32_t>& slots);

// From `first` to before `last`; of values in their order.
struct ValueRange {
  std::size_t first = 0;
  std::size_t last = 0;

  bool empty() const { return first >= last; }
  ValueRange both(ValueRange other) const {
    return {std::max(first, other.first), std::min(last, other.last)};
  }
};

// Values are numbers from 0 here: their places in the order of the property. The slots stand in one
// array, those of a value together, ascending. Beside it there are ready sets: of each value with
// many slots, and, at some places of the order, of all slots before. So a set of any range of
// values is the difference of two ready ones and a few slots at either end.
class Postings {
 public:
  Postings() = default;
  // `starts` has one entry for each value and a last one, the number of `slots`. No slot stands
  // twice in one value; in two of them only when `cut_count` is 0. `cut_count`: about how many sets
  // of all slots before are kept; each takes up to an eighth of a byte for every slot of the index.
  Postings(std::vector<std::uint32_t> starts, std::vector<std::uint32_t> slots,
           std::size_t cut_count);

  std::size_t value_count() const { return starts_.empty() ? 0 : starts_.size() - 1; }
  std::span<const std::uint32_t> slots_of(ValueRange values) const {
    if (values.empty()) return {};
    return std::span(slots_).subspan(starts_[values.first],
                                     starts_[values.last] - starts_[values.first]);
  }
  std::size_t size_of(ValueRange values) const { return slots_of(values).size(); }

  // The ready set of one value, or null.
  const SlotSet* ready(std::size_t value) const;
  // The slots of a range of values; of postings whose slots have one value each.
  SlotSet range(ValueRange values) const;
  // The slots that have any of the values, which ascend.
  SlotSet any_of(std::span<const std::size_t> values) const;

  std::size_t bytes() const;

 private:
  struct Cut {
    std::size_t value = 0;  // The slots of all values below.
    SlotSet before;
  };
  struct Ready {
    std::size_t value = 0;
    SlotSet slots;
  };
  // Of the cuts around `value` the one that fewer slots are away; cuts_[0] is the empty one.
  std::size_t nearest_cut(std::size_t value) const;
  // The slots of a range, ascending.
  std::vector<std::uint32_t> gathered(ValueRange values) const;

  std::vector<std::uint32_t> starts_;
  std::vector<std::uint32_t> slots_;
  std::vector<Cut> cuts_;
  std::vector<Ready> ready_;
};

}  // namespace selvedge::vectors
