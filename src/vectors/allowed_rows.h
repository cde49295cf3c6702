// Allowed rows: which rows of a snapshot a filter and a partition leave, by lists where there are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "vectors/listed_slots.h"
#include "vectors/property_lists.h"
#include "vectors/scan.h"
#include "vectors/snapshot.h"

namespace selvedge::vectors {

// A slot is in one of the two at most. A row of `listed` may have died since the lists were made:
// whoever reads it asks Snapshot::sees first. Those of `unlisted` are seen.
struct AllowedRows {
  std::shared_ptr<const ListedSlots> listed;  // Null: none.
  std::vector<Slot> unlisted;                 // Ascending.

  // How many rows at most; exact but for the dead ones.
  std::size_t count_most() const {
    return (listed != nullptr ? listed->size() : 0) + unlisted.size();
  }
  bool empty() const { return count_most() == 0; }
  bool contains(Slot slot) const {
    return (listed != nullptr && listed->set().contains(slot)) ||
           std::binary_search(unlisted.begin(), unlisted.end(), slot);
  }
};

// `lists` may be null, or not serve the snapshot: then every row is looked at. `restriction` is
// compiled for the snapshot's properties. Any thread, no lock, no I/O.
AllowedRows allowed_rows(const Snapshot& snapshot, const PropertyLists* lists,
                         const Restriction& restriction);

// Slots, ascending: of their own, or as they are listed.
struct SeenSlots {
  std::shared_ptr<const ListedSlots> listed;  // Null: they are their own.
  std::vector<Slot> own;

  std::span<const Slot> all() const { return listed != nullptr ? listed->slots() : own; }
};

// All of them that the snapshot sees.
SeenSlots seen_slots(const Snapshot& snapshot, const AllowedRows& allowed);

}  // namespace selvedge::vectors
