// Rows: the vectors of one index in memory, written by one thread while others read snapshots.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "vectors/column.h"
#include "ann/distance.h"
#include "vectors/index.h"
#include "vectors/properties.h"

// How readers and the writer stay out of each other's way: rows are only appended, and a snapshot
// knows how many it may read. A row that is erased or replaced stays where it is and is stamped
// with the mutation that ended it; a snapshot of an earlier mutation still sees it. Chunks with
// many dead rows are left behind: their living rows are appended again, and the chunk is freed with
// the last snapshot that shows it.
namespace selvedge::vectors {

// Number of a partition within one index; 0 is "none".
using PartitionNumber = std::uint32_t;

// A block of rows. Its arrays never move. The writer fills a row before any snapshot counts it.
class Chunk {
 public:
  static constexpr MutationNumber kAlive = std::numeric_limits<MutationNumber>::max();

  // `rows` x `stride` floats, of which only touched pages take memory. `large`: asks for huge
  // pages.
  Chunk(std::size_t rows, std::size_t stride, bool large);

  std::size_t capacity() const { return ids_.size(); }
  ann::RowBlock block() const { return {values_.get(), stride_}; }
  std::span<const float> values(std::size_t row, std::size_t dimensions) const {
    return {values_.get() + row * stride_, dimensions};
  }
  const std::string& id(std::size_t row) const { return ids_[row]; }
  PartitionNumber partition(std::size_t row) const { return partitions_[row]; }
  MutationNumber mutation(std::size_t row) const { return mutations_[row]; }
  // 1 / length of the row; 0 for a zero vector; an infinity where float32 cannot hold it.
  float inverse_length(std::size_t row) const { return inverse_lengths_[row]; }
  // Whether a snapshot of `mutation` sees the row. Relaxed: a stamp is always of a later mutation
  // than any snapshot that does not know of it.
  bool alive(std::size_t row, MutationNumber mutation) const {
    return died_at_[row].load(std::memory_order_relaxed) > mutation;
  }

 private:
  friend class Rows;
  struct Free {
    void operator()(float* memory) const { std::free(memory); }
  };

  std::size_t stride_;
  std::unique_ptr<float[], Free> values_;
  std::vector<std::string> ids_;
  std::vector<PartitionNumber> partitions_;
  std::vector<MutationNumber> mutations_;
  std::vector<float> inverse_lengths_;
  std::vector<std::atomic<MutationNumber>> died_at_;
  std::size_t dead_rows_ = 0;  // The writer's alone.
};

struct Partitions {
  std::vector<std::string> names;  // By number; the first stands for "none".
  std::unordered_map<std::string, PartitionNumber> numbers;
};

// A chunk and, beside its rows, a column for each metadata index.
struct IndexedChunk {
  std::shared_ptr<Chunk> chunk;
  std::vector<std::shared_ptr<Column>> columns;
};

// What one query sees. Immutable, but for stamps of later mutations.
struct Snapshot {
  std::shared_ptr<const std::vector<IndexedChunk>> chunks;
  std::size_t tail_rows = 0;  // Of the last chunk; the others are full.
  std::shared_ptr<const Partitions> partitions;
  std::shared_ptr<const Properties> properties;  // One for each column.
  IndexStats stats;

  std::size_t rows_in(std::size_t chunk_at) const {
    return chunk_at + 1 == chunks->size() ? tail_rows : (*chunks)[chunk_at].chunk->capacity();
  }
  // Empty for "none".
  std::optional<std::string> partition_name(PartitionNumber number) const;
};

// The writer's side. Not thread-safe: its owner writes under a mutex.
class Rows {
 public:
  explicit Rows(std::size_t dimensions);

  bool contains(std::string_view id) const { return addresses_.contains(id); }
  std::size_t size() const { return addresses_.size(); }

  // Adds the vector, or replaces it. `values` is [dimensions], `properties` has one entry per
  // column, in its type; both are borrowed.
  void put(std::string_view id, std::span<const float> values,
           const std::optional<std::string_view>& partition, MutationNumber mutation,
           std::span<const PropertyValue> properties);
  // Unknown ids are no error.
  void erase(std::string_view id, MutationNumber mutation);
  // Leaves chunks behind that are more than a quarter dead.
  void compact();

  // A column of all rows, not yet part of them; every value is nothing. Good until the next change
  // of the rows.
  struct Draft {
    PropertyType type = PropertyType::string;
    std::vector<std::shared_ptr<Column>> columns;  // One per chunk.
    std::unordered_map<const Chunk*, Column*> by_chunk;
  };
  Draft draft_column(PropertyType type) const;
  // Unknown ids are no error.
  void set_drafted(const Draft& draft, std::string_view id, const PropertyValue& value) const;
  // Makes it column `at`: in place of the one there, or the next one.
  void install_column(Draft draft, std::size_t at);
  void remove_column(std::size_t at);

  // `properties` has one entry per column.
  std::shared_ptr<const Snapshot> snapshot(const IndexStats& stats,
                                           std::shared_ptr<const Properties> properties);

 private:
  struct Address {
    Chunk* chunk = nullptr;
    std::size_t row = 0;
  };
  using ChunkList = std::vector<IndexedChunk>;

  // The new row is the last one of the last chunk.
  Address append(std::string_view id);
  void add_chunk();
  void move_living(const IndexedChunk& from);
  PartitionNumber partition_number(const std::optional<std::string_view>& partition);
  ChunkList& own_chunks();

  std::size_t dimensions_;
  std::size_t stride_;
  // Both lists are shared with snapshots: copied before a change when a snapshot has them.
  std::shared_ptr<ChunkList> chunks_;
  std::shared_ptr<Partitions> partitions_;
  bool chunks_lent_ = false;
  bool partitions_lent_ = false;
  std::size_t tail_rows_ = 0;
  std::vector<PropertyType> column_types_;
  std::unordered_map<std::string_view, Address> addresses_;  // Keys view the chunks' ids.
};

}  // namespace selvedge::vectors
