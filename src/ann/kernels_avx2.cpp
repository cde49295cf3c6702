// AVX2 kernels: products of bytes as pairs of 16 bits.
#include "ann/kernel_variants.h"

#if defined(__x86_64__)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

namespace selvedge::ann {
namespace {

constexpr std::size_t kAhead = 8;

inline void prefetch(const std::uint8_t* record, std::size_t blocks) {
  for (std::size_t block = 0; block < blocks; ++block) {
    _mm_prefetch(reinterpret_cast<const char*>(record + block * kBlockBytes), _MM_HINT_T0);
  }
}

inline __m256i load(const void* from) {
  return _mm256_load_si256(static_cast<const __m256i*>(from));
}

inline std::int32_t sum_of(__m256i lanes) {
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, _MM_SHUFFLE(1, 0, 3, 2)));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, _MM_SHUFFLE(2, 3, 0, 1)));
  return _mm_cvtsi128_si32(sum);
}

// A pair of products of 4 by 8 bits is at most 2 * 15 * 128: four pairs fit 16 bits.
inline std::int32_t dot_record(const CodeQuery& query, const std::uint8_t* record) {
  const __m256i low = _mm256_set1_epi8(15);
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i sum = _mm256_setzero_si256();
  for (std::size_t block = 0; block < query.blocks; ++block) {
    const std::int8_t* values = query.values + block * kBlockCoordinates;
    const __m256i first = load(record + block * kBlockBytes);
    const __m256i second = load(record + block * kBlockBytes + 32);
    const __m256i lows =
        _mm256_add_epi16(_mm256_maddubs_epi16(_mm256_and_si256(first, low), load(values)),
                         _mm256_maddubs_epi16(_mm256_and_si256(second, low), load(values + 32)));
    const __m256i highs = _mm256_add_epi16(
        _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16(first, 4), low), load(values + 64)),
        _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16(second, 4), low),
                             load(values + 96)));
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_add_epi16(lows, highs), ones));
  }
  return sum_of(sum);
}

template <class RecordAt>
inline void score_all(const CodeQuery& query, std::size_t count, RecordAt record_at, float* out) {
  for (std::size_t at = 0; at < count && at < kAhead; ++at) prefetch(record_at(at), query.blocks);
  for (std::size_t at = 0; at < count; ++at) {
    if (at + kAhead < count) prefetch(record_at(at + kAhead), query.blocks);
    const std::uint8_t* record = record_at(at);
    out[at] = score_of(query, dot_record(query, record), trailer(record, query.blocks));
  }
}

void score(const CodeQuery& query, const std::uint8_t* records, const Slot* slots,
           std::size_t count, float* out) {
  const std::size_t stride = query.blocks * kBlockBytes;
  score_all(
      query, count, [=](std::size_t at) { return records + slots[at] * stride; }, out);
}

void score_run(const CodeQuery& query, const std::uint8_t* records, std::size_t count, float* out) {
  const std::size_t stride = query.blocks * kBlockBytes;
  score_all(
      query, count, [=](std::size_t at) { return records + at * stride; }, out);
}

// Bytes are widened first: a pair of products of two whole bytes does not fit 16 bits.
void dot(const std::uint8_t* a, const std::int8_t* rows, std::size_t bytes,
         const std::uint32_t* chosen, std::size_t count, std::int32_t* out) {
  for (std::size_t at = 0; at < count; ++at) {
    const std::int8_t* row = rows + (chosen == nullptr ? at : chosen[at]) * bytes;
    __m256i sum = _mm256_setzero_si256();
    for (std::size_t byte = 0; byte < bytes; byte += 16) {
      const __m256i left =
          _mm256_cvtepu8_epi16(_mm_load_si128(reinterpret_cast<const __m128i*>(a + byte)));
      const __m256i right =
          _mm256_cvtepi8_epi16(_mm_load_si128(reinterpret_cast<const __m128i*>(row + byte)));
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(left, right));
    }
    out[at] = sum_of(sum);
  }
}

constexpr Kernels kAvx2{"avx2", score, score_run, dot};

}  // namespace
}  // namespace selvedge::ann

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace selvedge::ann {

const Kernels* avx2_kernels() { return &kAvx2; }

}  // namespace selvedge::ann

#else

namespace selvedge::ann {

const Kernels* avx2_kernels() { return nullptr; }

}  // namespace selvedge::ann

#endif
