// Allowed rows: which rows of a snapshot a filter and a partition leave, by lists where there are.
#pragma once

#include <cstddef>
#include <vector>

#include "vectors/property_lists.h"
#include "vectors/scan.h"
#include "vectors/slot_set.h"
#include "vectors/snapshot.h"

namespace selvedge::vectors {

// A slot is in one of the two at most. A row of `listed` may have died since the lists were made:
// whoever reads it asks Snapshot::sees first. Those of `unlisted` are seen.
struct AllowedRows {
  SlotSet listed;
  std::vector<Slot> unlisted;  // Ascending.

  // How many rows at most; exact but for the dead ones.
  std::size_t count_most() const { return listed.size() + unlisted.size(); }
  bool empty() const { return listed.empty() && unlisted.empty(); }
};

// `lists` may be null, or not serve the snapshot: then every row is looked at. `restriction` is
// compiled for the snapshot's properties. Any thread, no lock, no I/O.
AllowedRows allowed_rows(const Snapshot& snapshot, const PropertyLists* lists,
                         const Restriction& restriction);

// All of them that the snapshot sees, ascending.
std::vector<Slot> seen_slots(const Snapshot& snapshot, const AllowedRows& allowed);

}  // namespace selvedge::vectors
