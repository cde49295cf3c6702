// Chunk: a block of slots with all that stands in them but the values of properties.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ann/distance.h"
#include "ann/prefetch.h"
#include "vectors/index.h"
#include "vectors/slot_grid.h"

namespace selvedge::vectors {

// Number of a partition within one index; 0 is "none".
using PartitionNumber = std::uint32_t;

// Memory of rows of float32: our own, or a file's.
class ValueMemory {
 public:
  // `count` floats, of which only touched pages take memory. `large`: asks for huge pages.
  static ValueMemory own(std::size_t count, bool large);
  // Borrowed from `owner`, which is kept.
  ValueMemory(float* values, std::shared_ptr<const void> owner, bool mapped)
      : values_(values), owner_(std::move(owner)), mapped_(mapped) {}

  float* values() const { return values_; }
  bool mapped() const { return mapped_; }

 private:
  float* values_;
  std::shared_ptr<const void> owner_;
  bool mapped_;
};

// Its arrays never move. One thread writes, through Rows. Any thread reads a row that a snapshot
// that it holds sees, and nothing else of a row but whether that is so, and its partition.
class Chunk {
 public:
  static constexpr MutationNumber kAlive = std::numeric_limits<MutationNumber>::max();

  // `rows` x `stride` floats.
  Chunk(Slot first_slot, std::size_t rows, std::size_t stride, ValueMemory values);

  Slot first_slot() const { return first_slot_; }
  std::size_t capacity() const { return ids_.size(); }
  const ValueMemory& memory() const { return values_; }
  ann::RowBlock block() const { return {values_.values(), stride_}; }
  std::span<const float> values(std::size_t row, std::size_t dimensions) const {
    return {values_.values() + row * stride_, dimensions};
  }
  const std::string& id(std::size_t row) const { return ids_[row]; }
  PartitionNumber partition(std::size_t row) const {
    return partitions_[row].load(std::memory_order_relaxed);
  }
  // The mutation that wrote the row.
  MutationNumber born(std::size_t row) const { return born_[row].load(std::memory_order_relaxed); }
  MutationNumber died(std::size_t row) const { return died_[row].load(std::memory_order_relaxed); }
  // 1 / length of the row; 0 for a zero vector; an infinity where float32 cannot hold it.
  float inverse_length(std::size_t row) const { return inverse_lengths_[row]; }

  // Brings near what visible() reads, and what a key is made of beside the values.
  void fetch_stamps(std::size_t row) const {
    ann::prefetch_line(&died_[row]);
    ann::prefetch_line(&born_[row]);
    ann::prefetch_line(&inverse_lengths_[row]);
  }
  // What a match needs beside that.
  void fetch_match(std::size_t row) const {
    ann::prefetch_line(&ids_[row]);
    ann::prefetch_line(&partitions_[row]);
  }

  // Whether a snapshot of `mutation` sees the row: born <= mutation < died. Of a slot that is given
  // anew the birth is stored before the life: whoever sees the new life sees the new birth.
  bool visible(std::size_t row, MutationNumber mutation) const {
    return died_[row].load(std::memory_order_acquire) > mutation &&
           born_[row].load(std::memory_order_relaxed) <= mutation;
  }
  // True: a snapshot of `mutation` sees every row that was ever filled when it was taken. False
  // says nothing.
  bool all_visible(MutationNumber mutation) const {
    return first_death_.load(std::memory_order_acquire) > mutation &&
           last_birth_.load(std::memory_order_relaxed) <= mutation;
  }

 private:
  friend class Rows;

  Slot first_slot_;
  std::size_t stride_;
  ValueMemory values_;
  std::vector<std::string> ids_;
  std::vector<std::atomic<PartitionNumber>> partitions_;
  std::vector<float> inverse_lengths_;
  std::vector<std::atomic<MutationNumber>> born_;
  std::vector<std::atomic<MutationNumber>> died_;  // 0 where nothing ever was.
  std::atomic<MutationNumber> last_birth_ = 0;
  std::atomic<MutationNumber> first_death_ = kAlive;
};

}  // namespace selvedge::vectors
