// Property lists: gathered chunk by chunk, sorted by value.
#include "vectors/property_lists.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace selvedge::vectors {
namespace {

// Ready sets of all slots before, for all properties together; of one property, within bounds.
constexpr std::size_t kCutsAll = 512;
constexpr std::size_t kCutsLeast = 16;
constexpr std::size_t kCutsMost = 128;

bool before(const ValueList::Number& a, const ValueList::Number& b) {
  return std::tie(a.value, a.slot) < std::tie(b.value, b.slot);
}

bool before(const ValueList::Text& a, const ValueList::Text& b) {
  return std::tie(a.head, a.text, a.slot) < std::tie(b.head, b.text, b.slot);
}

// In steps between which it can be told to stop: then false.
template <class Entry>
bool sort_entries(std::vector<Entry>& entries, const std::stop_token& stop) {
  constexpr std::size_t kBlockEntries = 1U << 16;
  const auto less = [](const Entry& a, const Entry& b) { return before(a, b); };
  const auto at = [&entries](std::size_t position) {
    return entries.begin() + static_cast<std::ptrdiff_t>(std::min(position, entries.size()));
  };
  for (std::size_t from = 0; from < entries.size(); from += kBlockEntries) {
    if (stop.stop_requested()) return false;
    std::sort(at(from), at(from + kBlockEntries), less);
  }
  for (std::size_t size = kBlockEntries; size < entries.size(); size *= 2) {
    for (std::size_t from = 0; from + size < entries.size(); from += 2 * size) {
      if (stop.stop_requested()) return false;
      std::inplace_merge(at(from), at(from + size), at(from + 2 * size), less);
    }
  }
  return true;
}

// What one column has, row by row.
struct Gathered {
  std::vector<ValueList::Number> numbers;
  std::vector<ValueList::Number> number_elements;
  std::vector<ValueList::Text> texts;
  std::vector<ValueList::Text> text_elements;
  std::vector<Slot> existing;

  void add(const Column& column, std::size_t row, Slot slot) {
    const std::uint8_t mark = column.mark(row);
    if (mark == Column::kNothing) return;
    existing.push_back(slot);
    switch (column.type()) {
      case PropertyType::boolean:
        numbers.push_back({static_cast<double>(mark), slot});
        return;
      case PropertyType::number:
        if (mark != Column::kElements) {
          numbers.push_back({column.number(row), slot});
          return;
        }
        for (const double each : column.number_elements(row)) {
          number_elements.push_back({each, slot});
        }
        return;
      case PropertyType::string:
        if (mark != Column::kElements) {
          texts.push_back({column.head(row), column.text(row), slot});
          return;
        }
        column.any_text_element(row, [&](std::string_view each) {
          text_elements.push_back({TextKey::of(each).head, each, slot});
          return false;
        });
        return;
    }
  }
};

std::vector<Slot> rows_seen(const Snapshot& snapshot, const std::stop_token& stop) {
  std::vector<Slot> slots;
  slots.reserve(snapshot.stats.vector_count);
  for (std::size_t at = 0; at < snapshot.chunks->size() && !stop.stop_requested(); ++at) {
    const Chunk& chunk = *(*snapshot.chunks)[at].chunk;
    for (std::size_t row = 0; row < snapshot.rows_in(at); ++row) {
      if (!chunk.visible(row, snapshot.stats.mutation)) continue;
      slots.push_back(chunk.first_slot() + static_cast<Slot>(row));
    }
  }
  return slots;
}

// Nothing when it was stopped.
std::optional<ListedProperty> list_property(const Snapshot& snapshot, std::span<const Slot> slots,
                                            std::size_t column_at, const std::stop_token& stop) {
  Gathered gathered;
  for (const Slot slot : slots) {
    if (slot % 0x4000 == 0 && stop.stop_requested()) return std::nullopt;
    const Place place = snapshot.place(slot);
    gathered.add(*place.indexed->columns[column_at], place.row, slot);
  }
  const bool sorted =
      sort_entries(gathered.numbers, stop) && sort_entries(gathered.number_elements, stop) &&
      sort_entries(gathered.texts, stop) && sort_entries(gathered.text_elements, stop);
  if (!sorted) return std::nullopt;
  ListedProperty made;
  made.index = snapshot.properties->indexes()[column_at];
  const std::size_t cut_count =
      std::clamp(kCutsAll / snapshot.properties->size(), kCutsLeast, kCutsMost);
  if (made.index.type == PropertyType::string) {
    made.scalars = ValueList(gathered.texts, cut_count);
    made.elements = ValueList(gathered.text_elements, 0);
  } else {
    made.scalars = ValueList(gathered.numbers, cut_count);
    made.elements = ValueList(gathered.number_elements, 0);
  }
  made.existing = SlotSet::of(gathered.existing);
  made.existing.shrink();
  return made;
}

// By counting: numbers of partitions are small and without gaps.
Postings list_partitions(const Snapshot& snapshot, std::span<const Slot> slots) {
  std::vector<std::uint32_t> starts(snapshot.partitions->names.size() + 1);
  const auto partition_of = [&snapshot](Slot slot) {
    const Place place = snapshot.place(slot);
    return place.chunk().partition(place.row);
  };
  for (const Slot slot : slots) ++starts[partition_of(slot) + 1];
  for (std::size_t at = 1; at < starts.size(); ++at) starts[at] += starts[at - 1];
  std::vector<std::uint32_t> next(starts.begin(), starts.end() - 1);
  std::vector<std::uint32_t> by_partition(slots.size());
  for (const Slot slot : slots) by_partition[next[partition_of(slot)]++] = slot;
  return {std::move(starts), std::move(by_partition), 0};
}

}  // namespace

ValueList::ValueList(std::span<const Number> sorted, std::size_t cut_count) {
  std::vector<std::uint32_t> starts;
  std::vector<std::uint32_t> slots;
  slots.reserve(sorted.size());
  for (const Number& each : sorted) {
    if (numbers_.empty() || numbers_.back() != each.value) {
      numbers_.push_back(each.value);
      starts.push_back(static_cast<std::uint32_t>(slots.size()));
    }
    slots.push_back(each.slot);
  }
  numbers_.shrink_to_fit();
  starts.push_back(static_cast<std::uint32_t>(slots.size()));
  starts.shrink_to_fit();
  postings_ = Postings(std::move(starts), std::move(slots), cut_count);
}

ValueList::ValueList(std::span<const Text> sorted, std::size_t cut_count) {
  std::vector<std::uint32_t> starts;
  std::vector<std::uint32_t> slots;
  slots.reserve(sorted.size());
  std::string_view last;
  for (const Text& each : sorted) {
    if (starts.empty() || last != each.text) {
      last = each.text;
      heads_.push_back(each.head);
      text_starts_.push_back(static_cast<std::uint32_t>(texts_.size()));
      texts_ += each.text;
      starts.push_back(static_cast<std::uint32_t>(slots.size()));
    }
    slots.push_back(each.slot);
  }
  text_starts_.push_back(static_cast<std::uint32_t>(texts_.size()));
  starts.push_back(static_cast<std::uint32_t>(slots.size()));
  heads_.shrink_to_fit();
  text_starts_.shrink_to_fit();
  texts_.shrink_to_fit();
  starts.shrink_to_fit();
  postings_ = Postings(std::move(starts), std::move(slots), cut_count);
}

std::size_t ValueList::bound(const ColumnTest& test, std::size_t operand, bool above) const {
  if (test.type != PropertyType::string) {
    const double wanted = test.numbers[operand];
    const auto at = above ? std::upper_bound(numbers_.begin(), numbers_.end(), wanted)
                          : std::lower_bound(numbers_.begin(), numbers_.end(), wanted);
    return static_cast<std::size_t>(at - numbers_.begin());
  }
  const TextKey& wanted = test.texts[operand];
  const auto heads = std::equal_range(heads_.begin(), heads_.end(), wanted.head);
  auto first = static_cast<std::size_t>(heads.first - heads_.begin());
  auto last = static_cast<std::size_t>(heads.second - heads_.begin());
  while (first < last) {
    const std::size_t middle = first + (last - first) / 2;
    const int sign = text(middle).compare(wanted.text);
    if (sign < 0 || (above && sign == 0)) {
      first = middle + 1;
    } else {
      last = middle;
    }
  }
  return first;
}

ValueRange ValueList::range_of(const ColumnTest& test) const {
  const std::size_t end = postings_.value_count();
  switch (test.comparison) {
    case Comparison::lt:
      return {0, bound(test, 0, false)};
    case Comparison::lte:
      return {0, bound(test, 0, true)};
    case Comparison::gt:
      return {bound(test, 0, true), end};
    case Comparison::gte:
      return {bound(test, 0, false), end};
    default:
      return equal_to(test, 0);
  }
}

std::vector<std::size_t> ValueList::values_of(const ColumnTest& test) const {
  std::vector<std::size_t> values;
  if (test.comparison == Comparison::contains) {
    for (std::size_t value = 0; value < heads_.size(); ++value) {
      if (test.holds(heads_[value], text(value))) values.push_back(value);
    }
    return values;
  }
  const std::size_t operand_count = std::max(test.numbers.size(), test.texts.size());
  for (std::size_t operand = 0; operand < operand_count; ++operand) {
    const ValueRange found = equal_to(test, operand);
    // Operands ascend; the same one may stand there twice.
    if (found.empty() || (!values.empty() && values.back() == found.first)) continue;
    values.push_back(found.first);
  }
  return values;
}

std::size_t ValueList::bytes() const {
  return numbers_.capacity() * sizeof(double) + heads_.capacity() * sizeof(std::uint64_t) +
         text_starts_.capacity() * sizeof(std::uint32_t) + texts_.capacity() + postings_.bytes();
}

namespace {

// Bytes, in all and for each slot: enough for one filter that leaves nearly all.
constexpr std::size_t kRecentFiltersLeast = std::size_t{1} << 20;
constexpr std::size_t kRecentFiltersEach = 4;

}  // namespace

std::shared_ptr<const PropertyLists> PropertyLists::build(const Snapshot& snapshot,
                                                          const std::stop_token& stop) {
  return make(snapshot, rows_seen(snapshot, stop), stop);
}

std::shared_ptr<const PropertyLists> PropertyLists::extend(
    std::shared_ptr<const PropertyLists> base, const Snapshot& snapshot,
    const std::stop_token& stop) {
  std::vector<Slot> filled;
  for (std::uint64_t at = base->log_end_; at < snapshot.unlisted.end(); ++at) {
    filled.push_back(snapshot.unlisted.at(at).slot);
  }
  sort_slots(filled);
  filled.erase(std::unique(filled.begin(), filled.end()), filled.end());
  std::vector<Slot> seen;
  for (const Slot slot : filled) {
    if (snapshot.sees(slot)) seen.push_back(slot);
  }
  auto made = make(snapshot, seen, stop);
  if (made == nullptr) return nullptr;
  made->filled_ = SlotSet::of(filled);
  made->filled_.shrink();
  made->base_ = std::move(base);
  return made;
}

std::shared_ptr<PropertyLists> PropertyLists::make(const Snapshot& snapshot,
                                                   std::span<const Slot> slots,
                                                   const std::stop_token& stop) {
  auto made = std::make_shared<PropertyLists>();
  made->mutation_ = snapshot.stats.mutation;
  made->log_end_ = snapshot.unlisted.end();
  made->slot_end_ = snapshot.slot_end;
  for (std::size_t at = 0; at < snapshot.properties->size(); ++at) {
    auto listed = list_property(snapshot, slots, at, stop);
    if (!listed) return nullptr;
    made->properties_.push_back(*std::move(listed));
  }
  made->all_ = SlotSet::of(slots);
  made->all_.shrink();
  made->partitions_ = list_partitions(snapshot, slots);
  made->recent_filters_ = std::make_unique<RecentFilters>(
      std::max(kRecentFiltersLeast, snapshot.slot_end * kRecentFiltersEach));
  if (stop.stop_requested()) return nullptr;
  return made;
}

bool PropertyLists::serves(const Snapshot& snapshot) const {
  return mutation_ <= snapshot.stats.mutation && snapshot.unlisted.begin() <= log_end_ &&
         log_end_ <= snapshot.unlisted.end();
}

bool PropertyLists::wanted(const PropertyLists* lists, const Snapshot& snapshot) {
  // A quarter, or an eighth, of all is looked at row by row before it is listed anew.
  constexpr std::size_t kUnlistedLeast = 8'192;
  const std::size_t count = snapshot.stats.vector_count;
  if (count < kRowsLeast) return false;
  if (lists == nullptr || !lists->serves(snapshot)) {
    return lists == nullptr || lists->mutation_ < snapshot.stats.mutation;
  }
  const std::size_t unlisted = snapshot.unlisted.end() - lists->log_end_;
  if (unlisted > std::max(kUnlistedLeast, count / 8)) return true;
  if (lists->all_.size() > count + std::max(kUnlistedLeast, count / 4)) return true;
  const auto& indexes = snapshot.properties->indexes();
  return indexes.size() != lists->properties_.size() ||
         std::any_of(indexes.begin(), indexes.end(),
                     [lists](const MetadataIndex& index) { return lists->find(index) == nullptr; });
}

bool PropertyLists::extension_wanted(const Snapshot& snapshot, bool idle) const {
  constexpr std::size_t kUnlistedLeast = 1'024;
  // A share of what is extended already: so all extensions together cost a few times the last one.
  const std::size_t extended = base_ == nullptr ? 0 : all_.size();
  return unknown_count(snapshot) >
         std::max(idle ? kUnlistedLeast / 4 : kUnlistedLeast, extended / 8);
}

const ListedProperty* PropertyLists::find(const MetadataIndex& index) const {
  const auto at =
      std::find_if(properties_.begin(), properties_.end(), [&index](const ListedProperty& each) {
        return each.index.property == index.property && each.index.type == index.type &&
               each.index.written_after == index.written_after;
      });
  return at == properties_.end() ? nullptr : &*at;
}

std::size_t PropertyLists::bytes() const {
  std::size_t sum = all_.bytes() + partitions_.bytes() + recent_filters_->bytes();
  if (base_ != nullptr) sum += base_->bytes() + filled_.bytes();
  for (const ListedProperty& each : properties_) {
    sum += sizeof each + each.index.property.size() + each.scalars.bytes() + each.elements.bytes() +
           each.existing.bytes();
  }
  return sum;
}

}  // namespace selvedge::vectors
