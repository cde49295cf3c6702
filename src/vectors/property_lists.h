// Property lists: the rows of one snapshot by the values of their properties, so that a filter is
// answered by sets instead of row by row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "vectors/compiled_filter.h"
#include "vectors/filter.h"
#include "vectors/postings.h"
#include "vectors/recent_filters.h"
#include "vectors/slot_set.h"
#include "vectors/snapshot.h"

namespace selvedge::vectors {

// The different values of one property, in their order, and who has them.
class ValueList {
 public:
  struct Number {
    double value = 0;
    Slot slot = kNoSlot;
  };
  // `text` is borrowed for as long as the list is made.
  struct Text {
    std::uint64_t head = 0;  // As of TextKey.
    std::string_view text;
    Slot slot = kNoSlot;
  };

  ValueList() = default;
  // Both are sorted by value, then slot; no two are the same. `cut_count` as of Postings.
  ValueList(std::span<const Number> sorted, std::size_t cut_count);
  ValueList(std::span<const Text> sorted, std::size_t cut_count);

  const Postings& postings() const { return postings_; }
  // Of a test by eq or an order that has an operand: the values of which it is true.
  ValueRange range_of(const ColumnTest& test) const;
  // Of any test by operands: those values one by one.
  std::vector<std::size_t> values_of(const ColumnTest& test) const;
  std::size_t bytes() const;

 private:
  std::string_view text(std::size_t value) const {
    return std::string_view(texts_).substr(text_starts_[value],
                                           text_starts_[value + 1] - text_starts_[value]);
  }
  // The first value that is not below, or not below and not equal to, the operand.
  std::size_t bound(const ColumnTest& test, std::size_t operand, bool above) const;
  ValueRange equal_to(const ColumnTest& test, std::size_t operand) const {
    return {bound(test, operand, false), bound(test, operand, true)};
  }

  std::vector<double> numbers_;
  std::vector<std::uint64_t> heads_;
  std::vector<std::uint32_t> text_starts_;
  std::string texts_;
  Postings postings_;
};

// One metadata index.
struct ListedProperty {
  MetadataIndex index;
  ValueList scalars;   // Truths as the numbers 0 and 1.
  ValueList elements;  // Of arrays.
  SlotSet existing;    // What has a scalar or elements.
};

// Immutable; any thread. It speaks of the rows that its snapshot saw; which of them still live, and
// what came in since, is told by the snapshot of whoever asks (vectors/allowed_rows.h).
class PropertyLists {
 public:
  // Fewer rows are looked at one by one as quickly.
  static constexpr std::size_t kRowsLeast = 4'096;

  // Takes about a second for a million rows and three properties; one thread, no lock, no I/O. Null
  // when `stop` was requested, soon after. The snapshot need not be kept.
  static std::shared_ptr<const PropertyLists> build(const Snapshot& snapshot,
                                                    const std::stop_token& stop = {});
  // Lists of the rows alone that came in since `base`, which was built and serves the snapshot, to
  // stand upon it. Takes as long as so many rows do.
  static std::shared_ptr<const PropertyLists> extend(std::shared_ptr<const PropertyLists> base,
                                                     const Snapshot& snapshot,
                                                     const std::stop_token& stop = {});

  // Whether it can answer for `snapshot`: it is not newer, and all that came in since is known.
  bool serves(const Snapshot& snapshot) const;
  // Whether lists of `snapshot` would serve better than these, or than none. Not what it costs.
  static bool wanted(const PropertyLists* lists, const Snapshot& snapshot);

  // Whether it would be worth it to extend the base of these, or these, anew up to `snapshot`,
  // which they serve; `idle`: while nothing else is to be done.
  bool extension_wanted(const Snapshot& snapshot, bool idle) const;

  // What these stand upon; null when they were built.
  const std::shared_ptr<const PropertyLists>& base() const { return base_; }
  // Slots of which the base speaks no more: filled since.
  const SlotSet& filled() const { return filled_; }

  // How many rows it does not know of those that `snapshot`, which it serves, has.
  std::size_t unknown_count(const Snapshot& snapshot) const {
    return snapshot.unlisted.end() - log_end_;
  }

  // Slots filled later stand in Snapshot::unlisted from this position on.
  std::uint64_t log_end() const { return log_end_; }
  // Slots from here on were not filled yet.
  std::size_t slot_end() const { return slot_end_; }
  const SlotSet& all() const { return all_; }
  // Null when it is not in: made later, or of another type or time.
  const ListedProperty* find(const MetadataIndex& index) const;
  // By number; one that is not in has no rows.
  const Postings& partitions() const { return partitions_; }
  // What these and their base left of filters on listed properties alone, by what allowed_rows()
  // calls them.
  RecentFilters& recent_filters() const { return *recent_filters_; }
  std::size_t bytes() const;

 private:
  static std::shared_ptr<PropertyLists> make(const Snapshot& snapshot, std::span<const Slot> slots,
                                             const std::stop_token& stop);

  std::shared_ptr<const PropertyLists> base_;
  SlotSet filled_;
  MutationNumber mutation_ = 0;
  std::uint64_t log_end_ = 0;
  std::size_t slot_end_ = 0;
  SlotSet all_;
  std::vector<ListedProperty> properties_;
  Postings partitions_;
  std::unique_ptr<RecentFilters> recent_filters_;
};

}  // namespace selvedge::vectors
