// Slot grid: how slots, the numbers of vectors' places in memory, are spread over chunks.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "ann/slot.h"

namespace selvedge::vectors {

// A vector keeps its slot for as long as it lives.
using ann::kNoSlot;
using ann::Slot;

// The first chunk is small, as most indexes are; each has twice the slots of those before it
// together, up to the largest size, which all later ones have. So both ways between slots and
// places are a few instructions, and the first slots together fill one chunk of the largest size.
class SlotGrid {
 public:
  static constexpr std::size_t kRowsFirst = 64;
  static constexpr std::size_t kRowsLeast = 1'024;
  static constexpr std::size_t kRowsMost = 16'384;
  static constexpr std::size_t kChunkBytes = 16U << 20;

  // The largest chunk has about kChunkBytes of values, within the bounds of rows.
  explicit SlotGrid(std::size_t row_bytes)
      : shift_(static_cast<unsigned>(std::countr_zero(
            std::clamp(std::bit_floor(kChunkBytes / row_bytes), kRowsLeast, kRowsMost)))) {}

  std::size_t rows_max() const { return std::size_t{1} << shift_; }
  std::size_t chunk_of(Slot slot) const {
    if (slot < kRowsFirst) return 0;
    const auto whole = slot >> shift_;
    if (whole == 0) return static_cast<std::size_t>(std::bit_width(slot)) - kFirstShift;
    return whole + shift_ - kFirstShift;
  }
  std::size_t row_of(Slot slot) const { return slot - first_slot(chunk_of(slot)); }
  Slot first_slot(std::size_t chunk_at) const {
    if (chunk_at == 0) return 0;
    const std::size_t growing = shift_ - kFirstShift;
    if (chunk_at <= growing) return static_cast<Slot>(kRowsFirst << (chunk_at - 1));
    return static_cast<Slot>((chunk_at - growing) << shift_);
  }
  std::size_t rows_of(std::size_t chunk_at) const {
    if (chunk_at == 0) return kRowsFirst;
    return std::min(kRowsFirst << std::min<std::size_t>(chunk_at - 1, 32), rows_max());
  }

 private:
  static constexpr unsigned kFirstShift = 6;
  unsigned shift_;
};
static_assert(SlotGrid::kRowsFirst == 64);

}  // namespace selvedge::vectors
