// Postings: ready sets, and what is between them.
#include "vectors/postings.h"

#include <array>

#include "base/check.h"

namespace selvedge::vectors {
namespace {

// A set of fewer slots is as quick to make of the array as to copy.
constexpr std::size_t kReadySlotsLeast = 1'024;
// Fewer slots than these between two cuts are not worth a set.
constexpr std::size_t kCutSlotsLeast = 256;

}  // namespace

void sort_slots(std::vector<std::uint32_t>& slots) {
  constexpr std::size_t kFewSlots = 256;
  constexpr unsigned kDigitBits = 11;
  constexpr std::uint32_t kDigits = 1U << kDigitBits;
  if (slots.size() <= kFewSlots) {
    std::sort(slots.begin(), slots.end());
    return;
  }
  const std::uint32_t most = *std::max_element(slots.begin(), slots.end());
  std::vector<std::uint32_t> other(slots.size());
  for (unsigned shift = 0; shift < 32 && most >> shift != 0; shift += kDigitBits) {
    std::array<std::uint32_t, kDigits> at{};
    for (const std::uint32_t slot : slots) ++at[(slot >> shift) % kDigits];
    std::uint32_t sum = 0;
    for (std::uint32_t& each : at) {
      const std::uint32_t count = each;
      each = sum;
      sum += count;
    }
    for (const std::uint32_t slot : slots) other[at[(slot >> shift) % kDigits]++] = slot;
    slots.swap(other);
  }
}

Postings::Postings(std::vector<std::uint32_t> starts, std::vector<std::uint32_t> slots,
                   std::size_t cut_count)
    : starts_(std::move(starts)), slots_(std::move(slots)) {
  SEL_CHECK(!starts_.empty() && starts_.back() == slots_.size());
  for (std::size_t value = 0; value < value_count(); ++value) {
    const auto here = slots_of({value, value + 1});
    if (here.size() < kReadySlotsLeast) continue;
    ready_.push_back({value, SlotSet::of(here)});
    ready_.back().slots.shrink();
  }
  if (cut_count == 0) return;
  const std::size_t between = std::max(kCutSlotsLeast, slots_.size() / cut_count);
  SlotSet before;
  cuts_.push_back({0, {}});
  for (std::size_t value = 0; value < value_count(); ++value) {
    const ValueRange passed{cuts_.back().value, value + 1};
    if (size_of(passed) < between && value + 1 < value_count()) continue;
    before.add(gathered(passed));
    cuts_.push_back({value + 1, before.copy()});
    cuts_.back().before.shrink();
  }
}

const SlotSet* Postings::ready(std::size_t value) const {
  const auto at = std::partition_point(ready_.begin(), ready_.end(),
                                       [value](const Ready& each) { return each.value < value; });
  return at != ready_.end() && at->value == value ? &at->slots : nullptr;
}

std::size_t Postings::nearest_cut(std::size_t value) const {
  const auto above = std::partition_point(cuts_.begin(), cuts_.end(),
                                          [value](const Cut& each) { return each.value <= value; });
  const auto at = static_cast<std::size_t>(above - cuts_.begin()) - 1;
  if (above == cuts_.end()) return at;
  const bool below = size_of({cuts_[at].value, value}) <= size_of({value, above->value});
  return below ? at : at + 1;
}

std::vector<std::uint32_t> Postings::gathered(ValueRange values) const {
  const auto here = slots_of(values);
  std::vector<std::uint32_t> slots(here.begin(), here.end());
  if (values.last - values.first > 1) sort_slots(slots);
  return slots;
}

SlotSet Postings::range(ValueRange values) const {
  if (values.empty()) return {};
  if (values.last - values.first == 1) {
    const SlotSet* whole = ready(values.first);
    return whole != nullptr ? whole->copy() : SlotSet::of(slots_of(values));
  }
  if (cuts_.empty()) return SlotSet::of(gathered(values));
  const std::size_t lower = nearest_cut(values.first);
  const std::size_t upper = nearest_cut(values.last);
  if (lower >= upper) return SlotSet::of(gathered(values));
  SlotSet set = SlotSet::without(cuts_[upper].before, cuts_[lower].before);
  const std::size_t from = cuts_[lower].value;
  const std::size_t to = cuts_[upper].value;
  if (from < values.first) set.remove(gathered({from, values.first}));
  if (values.last < to) set.remove(gathered({values.last, to}));
  if (values.first < from) set.add(gathered({values.first, from}));
  if (to < values.last) set.add(gathered({to, values.last}));
  return set;
}

SlotSet Postings::any_of(std::span<const std::size_t> values) const {
  std::vector<const SlotSet*> whole;
  std::vector<std::uint32_t> few;
  for (const std::size_t value : values) {
    if (const SlotSet* set = ready(value)) {
      whole.push_back(set);
      continue;
    }
    const auto here = slots_of({value, value + 1});
    few.insert(few.end(), here.begin(), here.end());
  }
  SlotSet set = SlotSet::any(whole);
  sort_slots(few);
  set.add(few);
  return set;
}

std::size_t Postings::bytes() const {
  std::size_t sum = (starts_.capacity() + slots_.capacity()) * sizeof(std::uint32_t);
  for (const Cut& each : cuts_) sum += sizeof each + each.before.bytes();
  for (const Ready& each : ready_) sum += sizeof each + each.slots.bytes();
  return sum;
}

}  // namespace selvedge::vectors
