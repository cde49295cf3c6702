// Kernels: the loops over codes, in the widest instructions that this processor has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ann/slot.h"

// A code record is a whole number of 64-byte blocks. Byte j of block b holds two coordinates of 4
// bits: b * 128 + j in its low half, b * 128 + 64 + j in its high half. The last eight bytes of the
// last block hold two floats instead, factor and bias; what the halves of those bytes would be
// never counts, as queries and partners are zero there.
namespace selvedge::ann {

inline constexpr std::size_t kBlockBytes = 64;
inline constexpr std::size_t kBlockCoordinates = 128;
inline constexpr std::size_t kTrailerBytes = 8;

// A query against 4-bit records: score = factor * (scale * Σ query·code - shift) - bias.
struct CodeQuery {
  const std::int8_t* values = nullptr;  // [blocks x kBlockCoordinates], 64-byte aligned.
  std::size_t blocks = 0;
  float scale = 0;
  float shift = 0;
};

// All variants give the same integers; floats made of them may differ in the last bit.
struct Kernels {
  std::string_view name;

  // out[i] = score of the record of slots[i], at records + slots[i] * blocks * kBlockBytes. Records
  // are 64-byte aligned.
  void (*score)(const CodeQuery& query, const std::uint8_t* records, const Slot* slots,
                std::size_t count, float* out);
  // The same of the first `count` records.
  void (*score_run)(const CodeQuery& query, const std::uint8_t* records, std::size_t count,
                    float* out);
  // out[i] = Σ a[j] * row[j], j < bytes, of row chosen[i], or row i where `chosen` is null. Rows
  // are `bytes` apart, `bytes` a multiple of 64, all 64-byte aligned.
  void (*dot)(const std::uint8_t* a, const std::int8_t* rows, std::size_t bytes,
              const std::uint32_t* chosen, std::size_t count, std::int32_t* out);
};

// The best of this processor.
const Kernels& kernels();
// All that it can run, the best first, the portable one last.
std::span<const Kernels* const> all_kernels();

}  // namespace selvedge::ann
