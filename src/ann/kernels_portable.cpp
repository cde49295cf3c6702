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

void score_heads(const CodeQuery& query, const std::uint8_t* heads, const Slot* slots,
                 std::size_t count, float* out) {
  for (std::size_t at = 0; at < count; ++at) {
    const std::uint8_t* head = heads + slots[at] * kBlockBytes;
    out[at] = head_score(query, dot_blocks(query.values, head, 1), trailer(head));
  }
}

void add_rests(const CodeQuery& query, const std::uint8_t* heads, const std::uint8_t* rests,
               const Slot* slots, std::size_t count, float* scores) {
  const std::size_t blocks = query.blocks - 1;
  for (std::size_t at = 0; at < count; ++at) {
    const std::uint8_t* rest = rests + slots[at] * blocks * kBlockBytes;
    const std::int32_t dot = dot_blocks(query.values + kBlockCoordinates, rest, blocks);
    scores[at] += rest_score(query, dot, trailer(heads + slots[at] * kBlockBytes));
  }
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

constexpr Kernels kPortable{"portable", score_heads, add_rests, dot, unpack_plainly};

}  // namespace

const Kernels* portable_kernels() { return &kPortable; }

}  // namespace selvedge::ann
