// Allowed rows: sets for what the lists know, columns for the rest.
#include "vectors/allowed_rows.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace selvedge::vectors {
namespace {

// Some listed slots, or all but some: so nothing is built of a negation before it is needed.
class Part {
 public:
  static Part of(SlotSet set, bool negated = false) {
    Part part;
    part.owned_ = std::move(set);
    part.negated_ = negated;
    return part;
  }
  // `set` outlives the part.
  static Part borrowed(const SlotSet& set, bool negated) {
    Part part;
    part.borrowed_ = &set;
    part.negated_ = negated;
    return part;
  }
  static Part none() { return of({}); }
  static Part all() { return of({}, true); }

  bool negated() const { return negated_; }
  void negate() { negated_ = !negated_; }
  const SlotSet& set() const { return borrowed_ != nullptr ? *borrowed_ : *owned_; }
  SlotSet take() && { return borrowed_ != nullptr ? borrowed_->copy() : *std::move(owned_); }

  void keep(Part other) {
    if (negated_ && other.negated_) {
      *this = of(either(std::move(*this), std::move(other)), true);
    } else if (negated_) {
      *this = of(SlotSet::without(other.set(), set()));
    } else if (other.negated_) {
      if (!other.set().empty()) *this = of(SlotSet::without(set(), other.set()));
    } else {
      *this = of(SlotSet::both(set(), other.set()));
    }
  }
  void add(Part other) {
    // What is in either is all but what is in neither.
    negate();
    other.negate();
    keep(std::move(other));
    negate();
  }

 private:
  static SlotSet either(Part a, Part b) {
    SlotSet set = std::move(a).take();
    set.add(b.set());
    return set;
  }

  std::optional<SlotSet> owned_;
  const SlotSet* borrowed_ = nullptr;
  bool negated_ = false;
};

// Splits slots by chunk: `visit` takes a chunk and its rows, and may leave out rows; what stays
// stands in `slots` again. They ascend.
template <class Visit>
void by_chunk(const Snapshot& snapshot, std::vector<Slot>& slots, Visit visit) {
  std::vector<std::uint32_t> rows;
  std::size_t kept = 0;
  for (std::size_t at = 0; at < slots.size();) {
    const Place first = snapshot.place(slots[at]);
    const Slot base = slots[at] - first.row;
    const std::size_t end = base + first.chunk().capacity();
    rows.clear();
    for (; at < slots.size() && slots[at] < end; ++at) rows.push_back(slots[at] - base);
    visit(*first.indexed, rows);
    for (const std::uint32_t row : rows) slots[kept++] = base + row;
  }
  slots.resize(kept);
}

void keep_seen(const Snapshot& snapshot, const Chunk& chunk, std::vector<std::uint32_t>& rows) {
  std::erase_if(rows,
                [&](std::uint32_t row) { return !chunk.visible(row, snapshot.stats.mutation); });
}

class Plan {
 public:
  Plan(const Snapshot& snapshot, const PropertyLists& lists) : snapshot_(snapshot), lists_(lists) {
    for (const MetadataIndex& index : snapshot.properties->indexes()) {
      properties_.push_back(lists.find(index));
    }
  }

  Part part_of(const FilterNode& node) const {
    switch (node.kind) {
      case FilterNode::Kind::test:
        return listed(node.test) ? part_of(node.test) : narrowed(node, lists_.all().copy());
      case FilterNode::Kind::all:
        return all_of(node);
      case FilterNode::Kind::any:
        break;
    }
    Part part = Part::none();
    for (const FilterNode& each : node.nodes) part.add(part_of(each));
    return part;
  }

  SlotSet finished(Part part) const {
    if (!part.negated()) return std::move(part).take();
    return SlotSet::without(lists_.all(), part.set());
  }

 private:
  bool listed(const ColumnTest& test) const { return properties_[test.column] != nullptr; }
  bool listed(const FilterNode& node) const {
    if (node.kind == FilterNode::Kind::test) return listed(node.test);
    return std::all_of(node.nodes.begin(), node.nodes.end(),
                       [this](const FilterNode& each) { return listed(each); });
  }
  static bool is_range(const FilterNode& node) {
    if (node.kind != FilterNode::Kind::test || !node.test.wanted || node.test.by_marks()) {
      return false;
    }
    const bool operand = !node.test.numbers.empty() || !node.test.texts.empty();
    return operand && node.test.comparison != Comparison::in &&
           node.test.comparison != Comparison::contains;
  }

  // Ranges of one property become one; then the small sets first, and at last what no list knows.
  Part all_of(const FilterNode& node) const {
    std::vector<Part> parts;
    std::vector<std::optional<ValueRange>> ranges(properties_.size());
    std::vector<const FilterNode*> left;
    for (const FilterNode& each : node.nodes) {
      if (!listed(each)) {
        left.push_back(&each);
      } else if (is_range(each)) {
        const ValueRange here = scalars(each.test).range_of(each.test);
        auto& range = ranges[each.test.column];
        range = range ? range->both(here) : here;
      } else {
        parts.push_back(part_of(each));
      }
    }
    for (std::size_t column = 0; column < ranges.size(); ++column) {
      if (ranges[column]) parts.push_back(part_of(*properties_[column], *ranges[column]));
    }
    std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) {
      return a.negated() != b.negated() ? b.negated() : a.set().size() < b.set().size();
    });
    Part whole = parts.empty() ? Part::all() : std::move(parts.front());
    for (std::size_t at = 1; at < parts.size(); ++at) whole.keep(std::move(parts[at]));
    for (const FilterNode* each : left) {
      whole = narrowed(*each, finished(std::move(whole)));
    }
    return whole;
  }

  const ValueList& scalars(const ColumnTest& test) const {
    return properties_[test.column]->scalars;
  }

  static Part part_of(const ListedProperty& property, ValueRange range) {
    const Postings& postings = property.scalars.postings();
    const SlotSet* ready = range.last == range.first + 1 ? postings.ready(range.first) : nullptr;
    return ready != nullptr ? Part::borrowed(*ready, false) : Part::of(postings.range(range));
  }

  Part part_of(const ColumnTest& test) const {
    const ListedProperty& property = *properties_[test.column];
    if (test.comparison == Comparison::exists) {
      return Part::borrowed(property.existing, !test.wanted);
    }
    if (test.type == PropertyType::boolean) return truths(test, property);
    if (test.numbers.empty() && test.texts.empty()) return Part::of({}, !test.wanted);
    if (test.comparison == Comparison::contains || test.comparison == Comparison::in) {
      SlotSet set = property.scalars.postings().any_of(test.comparison == Comparison::contains &&
                                                               test.type == PropertyType::number
                                                           ? std::vector<std::size_t>()
                                                           : property.scalars.values_of(test));
      if (test.comparison == Comparison::contains) {
        ColumnTest same = test;
        same.comparison = Comparison::eq;
        set.add(property.elements.postings().any_of(property.elements.values_of(same)));
      }
      return Part::of(std::move(set), !test.wanted);
    }
    Part part = part_of(property, property.scalars.range_of(test));
    if (!test.wanted) part.negate();
    return part;
  }

  // Of a negated test those are taken away that it is false of.
  static Part truths(const ColumnTest& test, const ListedProperty& property) {
    const bool negated = test.marks[Column::kNothing];
    std::vector<std::size_t> values;
    for (const bool truth : {false, true}) {
      if (test.marks[truth ? 1 : 0] == negated) continue;
      ColumnTest same{test.column, PropertyType::boolean};
      same.numbers = {truth ? 1.0 : 0.0};
      for (const std::size_t value : property.scalars.values_of(same)) values.push_back(value);
    }
    return Part::of(property.scalars.postings().any_of(values), negated);
  }

  // Those of `set` of which the node is true, row by row.
  Part narrowed(const FilterNode& node, SlotSet set) const {
    std::vector<Slot> slots = set.to_vector();
    by_chunk(snapshot_, slots, [&](const IndexedChunk& place, std::vector<std::uint32_t>& rows) {
      keep_seen(snapshot_, *place.chunk, rows);  // Others may be written to now.
      CompiledFilter::narrow(node, place.columns, rows);
    });
    return Part::of(SlotSet::of(slots));
  }

  const Snapshot& snapshot_;
  const PropertyLists& lists_;
  std::vector<const ListedProperty*> properties_;  // By column; null where there is no list.
};

void restrict_rows(const Snapshot& snapshot, const Restriction& restriction,
                   const IndexedChunk& place, std::vector<std::uint32_t>& rows) {
  const Chunk& chunk = *place.chunk;
  if (restriction.partition) {
    std::erase_if(
        rows, [&](std::uint32_t row) { return chunk.partition(row) != *restriction.partition; });
  }
  keep_seen(snapshot, chunk, rows);
  if (restriction.filter != nullptr) restriction.filter->narrow(place.columns, rows);
}

std::vector<Slot> look_at_all(const Snapshot& snapshot, const Restriction& restriction) {
  std::vector<Slot> slots;
  std::vector<std::uint32_t> rows;
  for (std::size_t at = 0; at < snapshot.chunks->size(); ++at) {
    const IndexedChunk& place = (*snapshot.chunks)[at];
    rows.resize(snapshot.rows_in(at));
    for (std::size_t row = 0; row < rows.size(); ++row) rows[row] = static_cast<std::uint32_t>(row);
    restrict_rows(snapshot, restriction, place, rows);
    for (const std::uint32_t row : rows) slots.push_back(place.chunk->first_slot() + row);
  }
  return slots;
}

// What is compared of a filter with those that were asked before: all that its rows hang on.
// Nothing where they hang on more than on lists.
class FilterName {
 public:
  FilterName(const PropertyLists& lists, const Snapshot& snapshot)
      : lists_(lists), indexes_(snapshot.properties->indexes()) {}

  std::optional<std::string> of(const Restriction& restriction) && {
    put(restriction.partition.has_value());
    put(restriction.partition.value_or(0));
    if (restriction.filter != nullptr) add(restriction.filter->root());
    if (!listed_) return std::nullopt;
    return std::move(name_);
  }

 private:
  template <class Value>
  void put(Value value) {
    static_assert(std::has_unique_object_representations_v<Value> || std::is_same_v<Value, double>);
    name_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void put_text(std::string_view text) {
    put(text.size());
    name_.append(text);
  }

  void add(const FilterNode& node) {
    put(node.kind);
    if (node.kind == FilterNode::Kind::test) return add(node.test);
    put(node.nodes.size());
    for (const FilterNode& each : node.nodes) add(each);
  }

  // By its index, as its column is another one when indexes come and go.
  void add(const ColumnTest& test) {
    const MetadataIndex& index = indexes_[test.column];
    const PropertyLists* const base = lists_.base().get();
    listed_ = listed_ && lists_.find(index) != nullptr &&
              (base == nullptr || base->find(index) != nullptr);
    put_text(index.property);
    put(index.written_after);
    put(test.type);
    put(test.comparison);
    put(test.wanted);
    put(test.numbers.size());
    for (const double each : test.numbers) put(each);
    put(test.texts.size());
    for (const TextKey& each : test.texts) put_text(each.text);
    if (!test.by_marks()) return;
    for (const bool each : test.marks) put(each);
  }

  const PropertyLists& lists_;
  const std::vector<MetadataIndex>& indexes_;
  std::string name_;
  bool listed_ = true;
};

SlotSet listed_by(const Snapshot& snapshot, const PropertyLists& lists,
                  const Restriction& restriction) {
  const Plan plan(snapshot, lists);
  Part part =
      restriction.filter == nullptr ? Part::all() : plan.part_of(restriction.filter->root());
  if (restriction.partition) {
    const Postings& partitions = lists.partitions();
    const std::size_t number = *restriction.partition;
    const SlotSet* ready = partitions.ready(number);
    if (ready != nullptr) {
      part.keep(Part::borrowed(*ready, false));
    } else if (number < partitions.value_count()) {
      part.keep(Part::of(partitions.range({number, number + 1})));
    } else {
      part = Part::none();
    }
  }
  return plan.finished(std::move(part));
}

std::shared_ptr<const ListedSlots> listed_now(const Snapshot& snapshot, const PropertyLists& lists,
                                              const Restriction& restriction) {
  if (lists.base() == nullptr) {
    return std::make_shared<const ListedSlots>(listed_by(snapshot, lists, restriction));
  }
  SlotSet set = listed_by(snapshot, *lists.base(), restriction);
  set.remove(lists.filled());
  set.add(listed_by(snapshot, lists, restriction));
  return std::make_shared<const ListedSlots>(std::move(set));
}

// The same, remembered.
std::shared_ptr<const ListedSlots> listed_slots(const Snapshot& snapshot,
                                                const PropertyLists& lists,
                                                const Restriction& restriction) {
  auto name = FilterName(lists, snapshot).of(restriction);
  if (!name) return listed_now(snapshot, lists, restriction);
  if (auto known = lists.recent_filters().find(*name)) return known;
  auto slots = listed_now(snapshot, lists, restriction);
  lists.recent_filters().keep(*std::move(name), slots);
  return slots;
}

}  // namespace

AllowedRows allowed_rows(const Snapshot& snapshot, const PropertyLists* lists,
                         const Restriction& restriction) {
  AllowedRows allowed;
  if (lists == nullptr || !lists->serves(snapshot)) {
    allowed.unlisted = look_at_all(snapshot, restriction);
    return allowed;
  }
  allowed.listed = listed_slots(snapshot, *lists, restriction);

  // A slot that was filled since has another row than the lists know, whether it is seen or not.
  std::vector<Slot> given_anew;
  for (std::uint64_t at = lists->log_end(); at < snapshot.unlisted.end(); ++at) {
    const SlotLog::Entry& entry = snapshot.unlisted.at(at);
    if (entry.slot < lists->slot_end()) given_anew.push_back(entry.slot);
    const Place place = snapshot.place(entry.slot);
    const bool seen = place.chunk().visible(place.row, snapshot.stats.mutation) &&
                      place.chunk().born(place.row) == entry.born;
    if (seen) allowed.unlisted.push_back(entry.slot);
  }
  if (!given_anew.empty()) {
    SlotSet others = allowed.listed->set().copy();
    others.remove(given_anew);
    allowed.listed = std::make_shared<const ListedSlots>(std::move(others));
  }
  sort_slots(allowed.unlisted);
  by_chunk(snapshot, allowed.unlisted,
           [&](const IndexedChunk& place, std::vector<std::uint32_t>& rows) {
             restrict_rows(snapshot, restriction, place, rows);
           });
  return allowed;
}

SeenSlots seen_slots(const Snapshot& snapshot, const AllowedRows& allowed) {
  if (allowed.listed == nullptr) return {nullptr, allowed.unlisted};
  const bool all_seen = snapshot.sees_all();
  if (all_seen && allowed.unlisted.empty()) return {allowed.listed, {}};
  const std::span<const Slot> known = allowed.listed->slots();
  std::vector<Slot> listed(known.begin(), known.end());
  if (!all_seen) {
    by_chunk(snapshot, listed, [&](const IndexedChunk& place, std::vector<std::uint32_t>& rows) {
      if (place.chunk->all_visible(snapshot.stats.mutation)) return;
      keep_seen(snapshot, *place.chunk, rows);
    });
  }
  if (allowed.unlisted.empty()) return {nullptr, std::move(listed)};
  std::vector<Slot> slots(listed.size() + allowed.unlisted.size());
  std::merge(listed.begin(), listed.end(), allowed.unlisted.begin(), allowed.unlisted.end(),
             slots.begin());
  return {nullptr, std::move(slots)};
}

}  // namespace selvedge::vectors
