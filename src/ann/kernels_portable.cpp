// Portable kernels: what every compiler and processor understands; the measure of all others.
#include "ann/kernel_variants.h"

namespace selvedge::ann {
namespace {

std::int32_t dot_blocks(const std::int8_t* query, const std::uint8_t* codes, std::size_t blocks) {
  std::int32_t sum = 0;
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::int8_t* values = query + block * kBlockCoordinates;
    const std::uint8_t* bytes = codes + block * kBlockBytes;
    for (std::size_t at = 0; at < kBlockBytes; ++at) {
      sum += values[at] * (bytes[at] & 15) + values[kBlockBytes + at] * (bytes[at] >> 4);
    }
  }
  return sum;
}

void dot(const std::uint8_t* a, const std::int8_t* rows, std::size_t stride, std::size_t bytes,
         const std::uint32_t* chosen, std::size_t count, std::int32_t* out) {
  for (std::size_t at = 0; at < count; ++at) {
    const std::int8_t* row = rows + (chosen == nullptr ? at : chosen[at]) * stride;
    std::int32_t sum = 0;
    for (std::size_t byte = 0; byte < bytes; ++byte) sum += a[byte] * row[byte];
    out[at] = sum;
  }
}

constexpr Kernels kPortable{"portable",
                            score_heads_by_record<dot_blocks>,
                            add_rests_by_record<dot_blocks>,
                            keep_plainly,
                            dot,
                            unpack_plainly};

}  // namespace

const Kernels* portable_kernels() { return &kPortable; }

}  // namespace selvedge::ann
