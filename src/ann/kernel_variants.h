// Kernel variants: one per instruction set; null where the program was not built for it.
#pragma once

#include <cstring>

#include "ann/kernels.h"

namespace selvedge::ann {

const Kernels* avx512_kernels();  // AVX-512 with VNNI.
const Kernels* vnni_kernels();    // The same in registers of 256 bits.
const Kernels* avx2_kernels();
const Kernels* neon_kernels();
const Kernels* portable_kernels();

inline constexpr std::size_t kTrailerPlace = kBlockBytes - kTrailerBytes;

// The floats at the end of a record's head.
struct Trailer {
  float factor = 0;  // Of the head.
  float bias = 0;    // Half the squared length.
  float rest_factor = 0;
};
static_assert(sizeof(Trailer) == kTrailerBytes);

inline Trailer trailer(const std::uint8_t* head) {
  Trailer read;
  std::memcpy(&read, head + kTrailerPlace, kTrailerBytes);
  return read;
}

inline float head_score(const CodeQuery& query, std::int32_t dot, Trailer end) {
  return end.factor * (query.scale * static_cast<float>(dot) - query.shift) -
         query.weight * end.bias;
}

inline float rest_score(const CodeQuery& query, std::int32_t dot, Trailer end) {
  return end.rest_factor * (query.rest_scale * static_cast<float>(dot) - query.rest_shift);
}

// Block `at` of a code.
inline const std::uint8_t* block_of(const std::uint8_t* head, const std::uint8_t* rest,
                                    std::size_t at) {
  return at == 0 ? head : rest + (at - 1) * kBlockBytes;
}

// Without a branch on what nobody can predict.
inline std::size_t keep_plainly(float least, std::size_t count, const Slot* slots, Slot* kept,
                                float* scores) {
  std::size_t some = 0;
  for (std::size_t each = 0; each < count; ++each) {
    const float score = scores[each];
    kept[some] = slots[each];
    scores[some] = score;
    some += score >= least ? 1U : 0U;
  }
  return some;
}

inline void unpack_plainly(const std::uint8_t* head, const std::uint8_t* rest, std::size_t blocks,
                           std::uint8_t* levels, std::int8_t* moved, std::int32_t (&sums)[2]) {
  sums[0] = sums[1] = 0;
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::size_t end = block == 0 ? kTrailerPlace : kBlockBytes;
    std::uint8_t* to = levels + block * kBlockCoordinates;
    std::int8_t* less = moved + block * kBlockCoordinates;
    for (std::size_t at = 0; at < kBlockBytes; ++at) {
      const std::uint8_t byte = block_of(head, rest, block)[at];
      const bool counts = at < end;
      to[at] = counts ? byte & 15 : 0;
      to[kBlockBytes + at] = counts ? byte >> 4 : 0;
      less[at] = static_cast<std::int8_t>(counts ? to[at] - 8 : 0);
      less[kBlockBytes + at] = static_cast<std::int8_t>(counts ? to[kBlockBytes + at] - 8 : 0);
      sums[block == 0 ? 0 : 1] += to[at] + to[kBlockBytes + at];
    }
  }
}

// The kernels of a variant that scores record by record, from its dot of `blocks` blocks of query
// and codes. Those whose dot the compiler may put inline only where their instructions are switched
// on have loops of their own.
template <std::int32_t (*dot_blocks)(const std::int8_t*, const std::uint8_t*, std::size_t)>
void score_heads_by_record(const CodeQuery& query, const std::uint8_t* heads, const Slot* slots,
                           std::size_t count, float* out) {
  for (std::size_t at = 0; at < count; ++at) {
    const std::uint8_t* head = heads + slots[at] * kBlockBytes;
    out[at] = head_score(query, dot_blocks(query.values, head, 1), trailer(head));
  }
}

template <std::int32_t (*dot_blocks)(const std::int8_t*, const std::uint8_t*, std::size_t)>
void add_rests_by_record(const CodeQuery& query, const std::uint8_t* heads,
                         const std::uint8_t* rests, const Slot* slots, std::size_t count,
                         float* scores) {
  const std::size_t blocks = query.blocks - 1;
  for (std::size_t at = 0; at < count; ++at) {
    const std::uint8_t* rest = rests + slots[at] * blocks * kBlockBytes;
    const std::int32_t dot = dot_blocks(query.values + kBlockCoordinates, rest, blocks);
    scores[at] += rest_score(query, dot, trailer(heads + slots[at] * kBlockBytes));
  }
}

}  // namespace selvedge::ann
