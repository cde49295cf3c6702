// Rows: the vectors of one index in memory, written by one thread while others read snapshots.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "vectors/chunk.h"
#include "vectors/column.h"
#include "vectors/index.h"
#include "vectors/properties.h"
#include "vectors/slot_grid.h"
#include "vectors/slot_log.h"
#include "vectors/slot_map.h"
#include "vectors/snapshot.h"
#include "vectors/stored_rows.h"

// How readers and the writer stay out of each other's way: a row never moves. One that is erased or
// replaced is stamped with the mutation that ended it and stays, so that a snapshot of an earlier
// mutation still sees it. Its slot is given anew only after its owner has said that nothing points
// there any more, and after every snapshot has gone that was there when the owner said so.
namespace selvedge::vectors {

// The writer's side. Not thread-safe: its owner writes under a mutex.
class Rows {
 public:
  explicit Rows(std::size_t dimensions);

  bool contains(std::string_view id) const { return slot_of(id) != kNoSlot; }
  Slot slot_of(std::string_view id) const;
  std::size_t size() const { return slots_.size(); }
  // The vector that stands at a slot now, if one does; the id is good until the next change.
  struct Standing {
    std::string_view id;
    MutationNumber born = 0;
  };
  std::optional<Standing> living(Slot slot) const;
  // As many slots were ever filled.
  std::size_t slot_end() const { return slot_end_; }
  // Slots that wait to be given anew, those that a snapshot may still see among them.
  std::vector<Slot> free_slots() const;
  // For each span, as many slots as the largest chunk has, the last mutation that filled one.
  const std::vector<MutationNumber>& filled() const { return filled_; }

  // Adds the vector, or replaces it; where it stands. `values` is [dimensions], `properties` has
  // one entry per column, in its type; both are borrowed.
  Slot put(std::string_view id, std::span<const float> values,
           const std::optional<std::string_view>& partition, MutationNumber mutation,
           std::span<const PropertyValue> properties);
  // Unknown ids are no error.
  void erase(std::string_view id, MutationNumber mutation);

  // Fills these rows, which must be empty, with stored ones; `values_of` gives the memory of a
  // chunk, in which the values stand. Columns are not restored: none is installed yet.
  using ValuesOf = std::function<ValueMemory(std::size_t chunk_at)>;
  void restore(const StoredRows& stored, const ValuesOf& values_of);
  // Slots below `slot_end` that were never filled are taken for those of rows that ended.
  void skip_to(std::size_t slot_end);

  // The slots whose rows ended by `mutation` and since this was last asked. Each comes back through
  // free().
  std::vector<Slot> take_dead(MutationNumber mutation = Chunk::kAlive);
  // Nothing points at these slots any more but snapshots that there are by now.
  void free(std::span<const Slot> slots);

  // Whether slots that are filled are noted in recent(), from now on.
  void note_recent(bool noted) { recent_noted_ = noted; }
  bool recent_noted() const { return recent_noted_; }
  // Notes those that are filled already, too, but for slots that are true in `linked`.
  void note_all_recent(const std::vector<bool>& linked = {});
  SlotLog& recent() { return recent_; }

  // Lists know the rows of the slots that were filled before this position of Snapshot::unlisted.
  void forget_listed(std::uint64_t position) { unlisted_.drop_before(position); }

  // A column of all rows, not yet part of them; every value is nothing. Good until the next change
  // of the rows.
  struct Draft {
    PropertyType type = PropertyType::string;
    std::vector<std::shared_ptr<Column>> columns;  // One per chunk.
  };
  Draft draft_column(PropertyType type) const;
  // Unknown ids are no error.
  void set_drafted(const Draft& draft, std::string_view id, const PropertyValue& value) const;
  void set_drafted(const Draft& draft, Slot slot, const PropertyValue& value) const;
  // Makes it column `at`: in place of the one there, or the next one.
  void install_column(Draft draft, std::size_t at);
  void remove_column(std::size_t at);

  // `properties` has one entry per column; `recent_codes` are about positions of recent().
  std::shared_ptr<const Snapshot> snapshot(const IndexStats& stats,
                                           std::shared_ptr<const Properties> properties,
                                           RecentCodes recent_codes = {});

 private:
  using ChunkList = std::vector<IndexedChunk>;
  struct Living {
    std::uint64_t sequence = 0;
    std::shared_ptr<std::atomic<bool>> ended;
  };
  struct Freed {
    std::uint64_t after = 0;  // The last snapshot that may still see the slot.
    Slot slot = kNoSlot;
  };

  const std::string& id_at(Slot slot) const;
  // A slot to fill: one that is free for good, else the next one that never was.
  Slot vacant_slot();
  void add_chunk(std::optional<ValueMemory> values);
  void note_filled(Slot slot, MutationNumber mutation);
  void restore_chunk(const StoredRows& stored, std::size_t chunk_at, std::string_view& ids);
  // The first snapshot that still has readers; the next one to be made when none has.
  std::uint64_t oldest_snapshot();
  PartitionNumber partition_number(const std::optional<std::string_view>& partition);
  ChunkList& own_chunks();

  std::size_t dimensions_;
  std::size_t stride_;
  SlotGrid grid_;
  // Both lists are shared with snapshots: copied before a change when a snapshot has them.
  std::shared_ptr<ChunkList> chunks_;
  std::shared_ptr<Partitions> partitions_;
  bool chunks_lent_ = false;
  bool partitions_lent_ = false;
  std::size_t slot_end_ = 0;
  std::vector<PropertyType> column_types_;
  SlotMap slots_;
  std::vector<MutationNumber> filled_;

  std::vector<Slot> dead_;
  std::deque<Freed> free_;      // In the order of `after`.
  std::deque<Living> living_;   // Snapshots, the oldest first; some have ended.
  std::uint64_t sequence_ = 0;  // Of the last snapshot made.
  std::size_t living_checked_ = 0;

  bool recent_noted_ = false;
  SlotLog recent_;
  SlotLog unlisted_;  // Only the last ones, where there are no lists to wait for.
};

}  // namespace selvedge::vectors
