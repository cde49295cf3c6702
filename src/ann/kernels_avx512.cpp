// AVX-512 kernels: products of bytes by VNNI, four records at a time.
#include "ann/kernel_variants.h"

#if defined(__x86_64__)

#include <algorithm>

#include <immintrin.h>

// GCC bug 105593: its own header's "undefined" registers count as uninitialised.
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#if defined(__clang__)
#pragma clang attribute push(                                                              \
        __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma"))), \
            apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")
#endif

namespace selvedge::ann {
namespace {

inline __m512i load(const void* from) { return _mm512_load_si512(from); }

inline __m256i folded(__m512i lanes) {
  return _mm256_add_epi32(_mm512_castsi512_si256(lanes), _mm512_extracti64x4_epi64(lanes, 1));
}

// The sums of the 16 lanes of four registers.
inline __m128i four_sums(__m512i a, __m512i b, __m512i c, __m512i d) {
  const __m256i ab = _mm256_hadd_epi32(folded(a), folded(b));
  const __m256i cd = _mm256_hadd_epi32(folded(c), folded(d));
  const __m256i all = _mm256_hadd_epi32(ab, cd);
  return _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
}

inline __m512i add_block(__m512i sum, const std::uint8_t* block, __m512i lows, __m512i highs) {
  const __m512i low = _mm512_set1_epi8(15);
  const __m512i codes = load(block);
  sum = _mm512_dpbusd_epi32(sum, _mm512_and_si512(codes, low), lows);
  return _mm512_dpbusd_epi32(sum, _mm512_and_si512(_mm512_srli_epi16(codes, 4), low), highs);
}

void score_heads(const CodeQuery& query, const std::uint8_t* heads, const Slot* slots,
                 std::size_t count, float* out) {
  const __m512i lows = load(query.values);
  const __m512i highs = load(query.values + kBlockBytes);
  const __m512i zero = _mm512_setzero_si512();
  const __m128 scale = _mm_set1_ps(query.scale);
  const __m128 shift = _mm_set1_ps(query.shift);
  const __m128 weight = _mm_set1_ps(query.weight);
  const auto end_of = [](const std::uint8_t* head) {
    return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(head + kTrailerPlace));
  };
  std::size_t at = 0;
  for (; at + 4 <= count; at += 4) {
    const std::uint8_t* a = heads + slots[at] * kBlockBytes;
    const std::uint8_t* b = heads + slots[at + 1] * kBlockBytes;
    const std::uint8_t* c = heads + slots[at + 2] * kBlockBytes;
    const std::uint8_t* d = heads + slots[at + 3] * kBlockBytes;
    const __m128 dots = _mm_cvtepi32_ps(
        four_sums(add_block(zero, a, lows, highs), add_block(zero, b, lows, highs),
                  add_block(zero, c, lows, highs), add_block(zero, d, lows, highs)));
    const __m128 first = _mm_castsi128_ps(_mm_unpacklo_epi64(end_of(a), end_of(b)));
    const __m128 second = _mm_castsi128_ps(_mm_unpacklo_epi64(end_of(c), end_of(d)));
    const __m128 factors = _mm_shuffle_ps(first, second, _MM_SHUFFLE(2, 0, 2, 0));
    const __m128 biases = _mm_shuffle_ps(first, second, _MM_SHUFFLE(3, 1, 3, 1));
    const __m128 products = _mm_fmsub_ps(scale, dots, shift);
    _mm_storeu_ps(out + at, _mm_fmsub_ps(factors, products, _mm_mul_ps(weight, biases)));
  }
  for (; at < count; ++at) {
    const std::uint8_t* head = heads + slots[at] * kBlockBytes;
    const __m512i sum = add_block(zero, head, lows, highs);
    out[at] = head_score(query, _mm512_reduce_add_epi32(sum), trailer(head));
  }
}

// With the number of blocks known, the query stays in registers.
template <std::size_t kRest>
void add_known_rests(const CodeQuery& query, const std::uint8_t* heads, const std::uint8_t* rests,
                     const Slot* slots, std::size_t count, float* scores) {
  const std::size_t blocks = kRest == 0 ? query.blocks - 1 : kRest;
  const std::int8_t* const query_rest = query.values + kBlockCoordinates;
  for (std::size_t at = 0; at < count; ++at) {
    const std::uint8_t* rest = rests + slots[at] * blocks * kBlockBytes;
    __m512i sum = _mm512_setzero_si512();
#pragma GCC unroll 8
    for (std::size_t block = 0; block < blocks; ++block) {
      const std::int8_t* values = query_rest + block * kBlockCoordinates;
      sum = add_block(sum, rest + block * kBlockBytes, load(values), load(values + kBlockBytes));
    }
    scores[at] +=
        rest_score(query, _mm512_reduce_add_epi32(sum), trailer(heads + slots[at] * kBlockBytes));
  }
}

void add_rests(const CodeQuery& query, const std::uint8_t* heads, const std::uint8_t* rests,
               const Slot* slots, std::size_t count, float* scores) {
  switch (query.blocks) {
    case 1:
      return;
    case 2:
      return add_known_rests<1>(query, heads, rests, slots, count, scores);
    case 3:
      return add_known_rests<2>(query, heads, rests, slots, count, scores);
    case 4:
      return add_known_rests<3>(query, heads, rests, slots, count, scores);
    case 5:
      return add_known_rests<4>(query, heads, rests, slots, count, scores);
    case 6:
      return add_known_rests<5>(query, heads, rests, slots, count, scores);
    default:
      return add_known_rests<0>(query, heads, rests, slots, count, scores);
  }
}

std::size_t keep(float least, std::size_t count, const Slot* slots, Slot* kept, float* scores) {
  constexpr std::size_t kEach = 16;
  const __m512 bound = _mm512_set1_ps(least);
  std::size_t some = 0;
  for (std::size_t at = 0; at < count; at += kEach) {
    const auto there = static_cast<__mmask16>((1U << std::min(kEach, count - at)) - 1);
    const __m512 values = _mm512_maskz_loadu_ps(there, scores + at);
    const __m512i numbers = _mm512_maskz_loadu_epi32(there, slots + at);
    const __mmask16 good = _mm512_mask_cmp_ps_mask(there, values, bound, _CMP_GE_OQ);
    const auto more = static_cast<unsigned>(__builtin_popcount(good));
    // Brought together in registers: some processors take ten times as long to do it in memory.
    const auto front = static_cast<__mmask16>((1U << more) - 1);
    _mm512_mask_storeu_ps(scores + some, front, _mm512_maskz_compress_ps(good, values));
    _mm512_mask_storeu_epi32(kept + some, front, _mm512_maskz_compress_epi32(good, numbers));
    some += more;
  }
  return some;
}

void dot(const std::uint8_t* a, const std::int8_t* rows, std::size_t stride, std::size_t bytes,
         const std::uint32_t* chosen, std::size_t count, std::int32_t* out) {
  const auto row_at = [=](std::size_t at) {
    return rows + (chosen == nullptr ? at : chosen[at]) * stride;
  };
  std::size_t at = 0;
  for (; at + 4 <= count; at += 4) {
    const std::int8_t* const row[4] = {row_at(at), row_at(at + 1), row_at(at + 2), row_at(at + 3)};
    __m512i sums[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                       _mm512_setzero_si512()};
    for (std::size_t byte = 0; byte < bytes; byte += 64) {
      const __m512i left = load(a + byte);
      sums[0] = _mm512_dpbusd_epi32(sums[0], left, load(row[0] + byte));
      sums[1] = _mm512_dpbusd_epi32(sums[1], left, load(row[1] + byte));
      sums[2] = _mm512_dpbusd_epi32(sums[2], left, load(row[2] + byte));
      sums[3] = _mm512_dpbusd_epi32(sums[3], left, load(row[3] + byte));
    }
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + at),
                     four_sums(sums[0], sums[1], sums[2], sums[3]));
  }
  for (; at < count; ++at) {
    __m512i sum = _mm512_setzero_si512();
    for (std::size_t byte = 0; byte < bytes; byte += 64) {
      sum = _mm512_dpbusd_epi32(sum, load(a + byte), load(row_at(at) + byte));
    }
    out[at] = _mm512_reduce_add_epi32(sum);
  }
}

void unpack(const std::uint8_t* head, const std::uint8_t* rest, std::size_t blocks,
            std::uint8_t* levels, std::int8_t* moved, std::int32_t (&sums)[2]) {
  const __m512i low = _mm512_set1_epi8(15);
  const __m512i eight = _mm512_set1_epi8(8);
  const __m512i zero = _mm512_setzero_si512();
  __m512i sum[2] = {zero, zero};
  for (std::size_t block = 0; block < blocks; ++block) {
    const __mmask64 counts = block == 0 ? (1ULL << kTrailerPlace) - 1 : ~0ULL;
    const __m512i codes = load(block_of(head, rest, block));
    const __m512i lows = _mm512_maskz_mov_epi8(counts, _mm512_and_si512(codes, low));
    const __m512i highs =
        _mm512_maskz_mov_epi8(counts, _mm512_and_si512(_mm512_srli_epi16(codes, 4), low));
    const std::size_t at = block * kBlockCoordinates;
    _mm512_store_si512(levels + at, lows);
    _mm512_store_si512(levels + at + kBlockBytes, highs);
    _mm512_store_si512(moved + at, _mm512_maskz_sub_epi8(counts, lows, eight));
    _mm512_store_si512(moved + at + kBlockBytes, _mm512_maskz_sub_epi8(counts, highs, eight));
    __m512i& to = sum[block == 0 ? 0 : 1];
    to = _mm512_add_epi64(to, _mm512_sad_epu8(lows, zero));
    to = _mm512_add_epi64(to, _mm512_sad_epu8(highs, zero));
  }
  sums[0] = static_cast<std::int32_t>(_mm512_reduce_add_epi64(sum[0]));
  sums[1] = static_cast<std::int32_t>(_mm512_reduce_add_epi64(sum[1]));
}

constexpr Kernels kAvx512{"avx512-vnni", score_heads, add_rests, keep, dot, unpack};

}  // namespace
}  // namespace selvedge::ann

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace selvedge::ann {

const Kernels* avx512_kernels() { return &kAvx512; }

}  // namespace selvedge::ann

#else

namespace selvedge::ann {

const Kernels* avx512_kernels() { return nullptr; }

}  // namespace selvedge::ann

#endif
