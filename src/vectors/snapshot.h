// Snapshot: what one query sees of an index, however long it takes.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "vectors/chunk.h"
#include "vectors/column.h"
#include "vectors/index.h"
#include "vectors/properties.h"
#include "vectors/slot_grid.h"
#include "vectors/slot_log.h"

namespace selvedge::ann {
struct Codes;
}

namespace selvedge::vectors {

struct Partitions {
  std::vector<std::string> names;  // By number; the first stands for "none".
  std::unordered_map<std::string, PartitionNumber> numbers;
};

// A chunk and, beside its rows, a column for each metadata index.
struct IndexedChunk {
  std::shared_ptr<Chunk> chunk;
  std::vector<std::shared_ptr<Column>> columns;
};

// Where a slot is.
struct Place {
  const IndexedChunk* indexed = nullptr;
  std::uint32_t row = 0;

  const Chunk& chunk() const { return *indexed->chunk; }
};

// Which recent rows have codes, and of which making: those from a position on.
struct RecentCodes {
  std::shared_ptr<const ann::Codes> codes;  // Null: none has any.
  std::uint64_t from = 0;                   // All behind it have one.
  std::uint64_t first = from;               // None before it was ever given one.
};

// Tells the writer when the last reader of a snapshot has gone: everything they did comes before
// what the writer does once it knows.
class SnapshotEnd {
 public:
  explicit SnapshotEnd(std::shared_ptr<std::atomic<bool>> ended) : ended_(std::move(ended)) {}
  ~SnapshotEnd() {
    if (ended_ != nullptr) ended_->store(true, std::memory_order_release);
  }
  SnapshotEnd(SnapshotEnd&&) = default;
  SnapshotEnd& operator=(SnapshotEnd&&) = delete;
  SnapshotEnd(const SnapshotEnd&) = delete;
  SnapshotEnd& operator=(const SnapshotEnd&) = delete;

 private:
  std::shared_ptr<std::atomic<bool>> ended_;
};

// Immutable, but for rows that its mutation does not see: those must not be read.
struct Snapshot {
  SnapshotEnd end;
  SlotGrid grid;
  std::shared_ptr<const std::vector<IndexedChunk>> chunks;
  std::size_t slot_end = 0;  // Every slot below was filled at least once.
  SlotLog::View recent;      // Filled and not yet linked into the graph; empty while there is none.
  SlotLog::View unlisted;    // The last slots filled; lists know those before a position of it.
  std::shared_ptr<const Partitions> partitions;
  std::shared_ptr<const Properties> properties;  // One for each column.
  IndexStats stats;
  bool recent_noted = false;  // Else nobody noted yet which rows the graph lacks: it may lack any.
  RecentCodes recent_codes;

  // How many rows of a chunk to look at.
  std::size_t rows_in(std::size_t chunk_at) const {
    return std::min((*chunks)[chunk_at].chunk->capacity(), slot_end - grid.first_slot(chunk_at));
  }
  // `slot` is below slot_end.
  Place place(Slot slot) const {
    const std::size_t chunk_at = grid.chunk_of(slot);
    return {&(*chunks)[chunk_at], static_cast<std::uint32_t>(slot - grid.first_slot(chunk_at))};
  }
  bool sees(Slot slot) const {
    const Place at = place(slot);
    return at.chunk().visible(at.row, stats.mutation);
  }
  // True: it sees every slot below its end that is filled, and will for as long as it lives: what
  // it sees is not filled anew. False says nothing.
  bool sees_all() const {
    return std::all_of(chunks->begin(), chunks->end(), [this](const IndexedChunk& each) {
      return each.chunk->all_visible(stats.mutation);
    });
  }
  // Of ids, numbers and properties; an estimate.
  std::size_t other_bytes() const;
  // Empty for "none".
  std::optional<std::string> partition_name(PartitionNumber number) const {
    if (number == 0) return std::nullopt;
    return partitions->names[number];
  }
};

}  // namespace selvedge::vectors
