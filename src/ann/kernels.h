// Kernels: the loops over codes, in the instructions that serve this processor best.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ann/slot.h"

// A code is a whole number of 64-byte blocks, each 64-byte aligned. Byte j of block b holds two
// coordinates of 4 bits: b * 128 + j in its low half, b * 128 + 64 + j in its high half. The first
// block, the `head`, holds the coordinates along which vectors differ most, and in its last twelve
// bytes three floats (Trailer); what the halves of those bytes would be never counts, as queries
// and partners are zero there. The other blocks are the `rest`. A search reads the head of what it
// comes by, and the rest only where that promises something.
namespace selvedge::ann {

inline constexpr std::size_t kBlockBytes = 64;
inline constexpr std::size_t kBlockCoordinates = 128;
inline constexpr std::size_t kTrailerBytes = 12;

// A query against 4-bit records. With the dots of query and codes over head and rest,
//   score of the head = factor * (scale * head dot - shift) - weight * bias
//   score = that + rest_factor * (rest_scale * rest dot - rest_shift).
struct CodeQuery {
  const std::int8_t* values = nullptr;  // [blocks x kBlockCoordinates], 64-byte aligned.
  std::size_t blocks = 0;
  float scale = 0;
  float shift = 0;
  float rest_scale = 0;
  float rest_shift = 0;
  float weight = 0;
  // How far the rest usually moves a score.
  float rest_spread = 0;
};

// All variants give the same integers; floats made of them may differ in the last bit.
struct Kernels {
  std::string_view name;

  // out[i] = score of the head of slots[i], at heads + slots[i] * kBlockBytes.
  void (*score_heads)(const CodeQuery& query, const std::uint8_t* heads, const Slot* slots,
                      std::size_t count, float* out);
  // Adds what the rests say to `scores`; that of slots[i] lies at rests + slots[i] * (blocks - 1) *
  // kBlockBytes.
  void (*add_rests)(const CodeQuery& query, const std::uint8_t* heads, const std::uint8_t* rests,
                    const Slot* slots, std::size_t count, float* scores);
  // Puts those of `slots` whose score is at least `least` into `kept`, which may be `slots`, and
  // their scores to the front of `scores`, in their order. Returns how many. Behind those, what is
  // in both is of no use. Not a number is never kept.
  std::size_t (*keep)(float least, std::size_t count, const Slot* slots, Slot* kept, float* scores);
  // out[i] = Σ a[j] * row[j], j < bytes, of row chosen[i], or row i where `chosen` is null. Rows
  // are `stride` bytes apart; both are multiples of 64, all is 64-byte aligned.
  void (*dot)(const std::uint8_t* a, const std::int8_t* rows, std::size_t stride, std::size_t bytes,
              const std::uint32_t* chosen, std::size_t count, std::int32_t* out);
  // A code as whole bytes, in the order of a query's values: `levels` 0…15, `moved`
  // less 8, both zero in the places of the trailer. Both [blocks x kBlockCoordinates]. `sums` are
  // those of the levels of head and rest.
  void (*unpack)(const std::uint8_t* head, const std::uint8_t* rest, std::size_t blocks,
                 std::uint8_t* levels, std::int8_t* moved, std::int32_t (&sums)[2]);
};

// The best of this processor.
const Kernels& kernels();
// All that it can run, the best first, the portable one last.
std::span<const Kernels* const> all_kernels();

}  // namespace selvedge::ann
