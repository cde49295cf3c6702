// Portable kernels: what every compiler and processor understands; the measure of all others.
#include "ann/kernel_variants.h"

namespace selvedge::ann {
namespace {

std::int32_t dot_record(const CodeQuery& query, const std::uint8_t* record) {
  std::int32_t sum = 0;
  for (std::size_t block = 0; block < query.blocks; ++block) {
    const std::int8_t* values = query.values + block * kBlockCoordinates;
    const std::uint8_t* bytes = record + block * kBlockBytes;
    for (std::size_t at = 0; at < kBlockBytes; ++at) {
      sum += values[at] * (bytes[at] & 15) + values[kBlockBytes + at] * (bytes[at] >> 4);
    }
  }
  return sum;
}

void score(const CodeQuery& query, const std::uint8_t* records, const Slot* slots,
           std::size_t count, float* out) {
  for (std::size_t at = 0; at < count; ++at) {
    const std::uint8_t* record = records + slots[at] * query.blocks * kBlockBytes;
    out[at] = score_of(query, dot_record(query, record), trailer(record, query.blocks));
  }
}

void score_run(const CodeQuery& query, const std::uint8_t* records, std::size_t count, float* out) {
  for (std::size_t at = 0; at < count; ++at) {
    const std::uint8_t* record = records + at * query.blocks * kBlockBytes;
    out[at] = score_of(query, dot_record(query, record), trailer(record, query.blocks));
  }
}

void dot(const std::uint8_t* a, const std::int8_t* rows, std::size_t bytes,
         const std::uint32_t* chosen, std::size_t count, std::int32_t* out) {
  for (std::size_t at = 0; at < count; ++at) {
    const std::int8_t* row = rows + (chosen == nullptr ? at : chosen[at]) * bytes;
    std::int32_t sum = 0;
    for (std::size_t byte = 0; byte < bytes; ++byte) sum += a[byte] * row[byte];
    out[at] = sum;
  }
}

constexpr Kernels kPortable{"portable", score, score_run, dot};

}  // namespace

const Kernels* portable_kernels() { return &kPortable; }

}  // namespace selvedge::ann
