// Kernel variants: one per instruction set; null where the program was not built for it.
#pragma once

#include <cstring>

#include "ann/kernels.h"

namespace selvedge::ann {

const Kernels* avx512_kernels();  // AVX-512 with VNNI.
const Kernels* avx2_kernels();
const Kernels* neon_kernels();
const Kernels* portable_kernels();

// The two floats at the end of a record.
struct Trailer {
  float factor = 0;
  float bias = 0;
};
static_assert(sizeof(Trailer) == kTrailerBytes);

inline Trailer trailer(const std::uint8_t* record, std::size_t blocks) {
  Trailer read;
  std::memcpy(&read, record + blocks * kBlockBytes - kTrailerBytes, kTrailerBytes);
  return read;
}

inline float score_of(const CodeQuery& query, std::int32_t dot, Trailer end) {
  return end.factor * (query.scale * static_cast<float>(dot) - query.shift) - end.bias;
}

}  // namespace selvedge::ann
