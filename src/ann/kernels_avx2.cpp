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
inline std::int32_t dot_blocks(const std::int8_t* query, const std::uint8_t* codes,
                               std::size_t blocks) {
  const __m256i low = _mm256_set1_epi8(15);
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i sum = _mm256_setzero_si256();
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::int8_t* values = query + block * kBlockCoordinates;
    const __m256i first = load(codes + block * kBlockBytes);
    const __m256i second = load(codes + block * kBlockBytes + 32);
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

// Bytes are widened first: a pair of products of two whole bytes does not fit 16 bits.
void dot(const std::uint8_t* a, const std::int8_t* rows, std::size_t stride, std::size_t bytes,
         const std::uint32_t* chosen, std::size_t count, std::int32_t* out) {
  for (std::size_t at = 0; at < count; ++at) {
    const std::int8_t* row = rows + (chosen == nullptr ? at : chosen[at]) * stride;
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

constexpr Kernels kAvx2{"avx2", score_heads, add_rests, keep_plainly, dot, unpack_plainly};

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
