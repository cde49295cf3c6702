// Stored rows: the rows of an index as a checkpoint has them, borrowed from its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vectors/chunk.h"
#include "vectors/filter.h"
#include "vectors/index.h"
#include "vectors/slot_grid.h"

namespace selvedge::vectors {

struct StoredColumn {
  MetadataIndex index;
  std::span<const double> numbers;      // [slot_end]; of number columns.
  std::span<const std::uint8_t> marks;  // [slot_end]; as in Column.
  // In the order of slots: texts; and arrays, each its bytes (u32), and elements as in Column.
  std::string_view variable;
};

// Lists have one entry per slot; of a slot where no vector stands the birth is 0 and the id empty.
struct StoredRows {
  std::size_t slot_end = 0;
  std::size_t living_count = 0;
  std::span<const MutationNumber> born;
  std::span<const std::uint8_t> id_lengths;
  std::string_view ids;  // In the order of slots.
  std::span<const PartitionNumber> partitions;
  std::vector<std::string> partition_names;  // By number; the first stands for "none".
  std::span<const float> inverse_lengths;
  std::span<const Slot> free;  // Slots to which nothing points.
  std::vector<StoredColumn> columns;
};

}  // namespace selvedge::vectors
