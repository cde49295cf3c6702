// VNNI kernels in registers of 256 bits: for processors whose clock falls with wider ones.
#include "ann/kernel_variants.h"

#if defined(__x86_64__)

#include <algorithm>

#include <immintrin.h>

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

constexpr std::size_t kHalf = kBlockBytes / 2;  // Of a block: one register.

inline __m256i load(const void* from) {
  return _mm256_load_si256(static_cast<const __m256i*>(from));
}

// The sums of the 8 lanes of four registers.
inline __m128i four_sums(__m256i a, __m256i b, __m256i c, __m256i d) {
  const __m256i all = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
  return _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
}

inline std::int32_t sum_of(__m256i lanes) {
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, _MM_SHUFFLE(1, 0, 3, 2)));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, _MM_SHUFFLE(2, 3, 0, 1)));
  return _mm_cvtsi128_si32(sum);
}

// A block of a query: for the low and the high halves of the bytes.
struct Block {
  explicit Block(const std::int8_t* values)
      : lows{load(values), load(values + kHalf)},
        highs{load(values + kBlockBytes), load(values + kBlockBytes + kHalf)} {}

  __m256i lows[2];
  __m256i highs[2];
};

inline __m256i add_block(__m256i sum, const std::uint8_t* codes, const Block& query) {
  const __m256i low = _mm256_set1_epi8(15);
  const __m256i first = load(codes);
  const __m256i second = load(codes + kHalf);
  sum = _mm256_dpbusd_epi32(sum, _mm256_and_si256(first, low), query.lows[0]);
  sum = _mm256_dpbusd_epi32(sum, _mm256_and_si256(second, low), query.lows[1]);
  sum =
      _mm256_dpbusd_epi32(sum, _mm256_and_si256(_mm256_srli_epi16(first, 4), low), query.highs[0]);
  return _mm256_dpbusd_epi32(sum, _mm256_and_si256(_mm256_srli_epi16(second, 4), low),
                             query.highs[1]);
}

void score_heads(const CodeQuery& query, const std::uint8_t* heads, const Slot* slots,
                 std::size_t count, float* out) {
  const Block block(query.values);
  const __m256i zero = _mm256_setzero_si256();
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
    const __m128 dots =
        _mm_cvtepi32_ps(four_sums(add_block(zero, a, block), add_block(zero, b, block),
                                  add_block(zero, c, block), add_block(zero, d, block)));
    const __m128 first = _mm_castsi128_ps(_mm_unpacklo_epi64(end_of(a), end_of(b)));
    const __m128 second = _mm_castsi128_ps(_mm_unpacklo_epi64(end_of(c), end_of(d)));
    const __m128 factors = _mm_shuffle_ps(first, second, _MM_SHUFFLE(2, 0, 2, 0));
    const __m128 biases = _mm_shuffle_ps(first, second, _MM_SHUFFLE(3, 1, 3, 1));
    const __m128 products = _mm_fmsub_ps(scale, dots, shift);
    _mm_storeu_ps(out + at, _mm_fmsub_ps(factors, products, _mm_mul_ps(weight, biases)));
  }
  for (; at < count; ++at) {
    const std::uint8_t* head = heads + slots[at] * kBlockBytes;
    out[at] = head_score(query, sum_of(add_block(zero, head, block)), trailer(head));
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
    __m256i sum = _mm256_setzero_si256();
#pragma GCC unroll 8
    for (std::size_t block = 0; block < blocks; ++block) {
      sum =
          add_block(sum, rest + block * kBlockBytes, Block(query_rest + block * kBlockCoordinates));
    }
    scores[at] += rest_score(query, sum_of(sum), trailer(heads + slots[at] * kBlockBytes));
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
    default:
      return add_known_rests<0>(query, heads, rests, slots, count, scores);
  }
}

std::size_t keep(float least, std::size_t count, const Slot* slots, Slot* kept, float* scores) {
  constexpr std::size_t kEach = 8;
  const __m256 bound = _mm256_set1_ps(least);
  std::size_t some = 0;
  for (std::size_t at = 0; at < count; at += kEach) {
    const auto there = static_cast<__mmask8>((1U << std::min(kEach, count - at)) - 1);
    const __m256 values = _mm256_maskz_loadu_ps(there, scores + at);
    const __m256i numbers = _mm256_maskz_loadu_epi32(there, slots + at);
    const __mmask8 good = _mm256_mask_cmp_ps_mask(there, values, bound, _CMP_GE_OQ);
    const auto more = static_cast<unsigned>(__builtin_popcount(good));
    const auto front = static_cast<__mmask8>((1U << more) - 1);
    _mm256_mask_storeu_ps(scores + some, front, _mm256_maskz_compress_ps(good, values));
    _mm256_mask_storeu_epi32(kept + some, front, _mm256_maskz_compress_epi32(good, numbers));
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
    // Two sums a row, since each sum waits for the one before.
    __m256i sums[4] = {};
    __m256i more[4] = {};
    for (std::size_t byte = 0; byte < bytes; byte += kBlockBytes) {
      const __m256i first = load(a + byte);
      const __m256i second = load(a + byte + kHalf);
#pragma GCC unroll 4
      for (std::size_t each = 0; each < 4; ++each) {
        sums[each] = _mm256_dpbusd_epi32(sums[each], first, load(row[each] + byte));
        more[each] = _mm256_dpbusd_epi32(more[each], second, load(row[each] + byte + kHalf));
      }
    }
#pragma GCC unroll 4
    for (std::size_t each = 0; each < 4; ++each) {
      sums[each] = _mm256_add_epi32(sums[each], more[each]);
    }
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + at),
                     four_sums(sums[0], sums[1], sums[2], sums[3]));
  }
  for (; at < count; ++at) {
    __m256i sum = _mm256_setzero_si256();
    for (std::size_t byte = 0; byte < bytes; byte += kHalf) {
      sum = _mm256_dpbusd_epi32(sum, load(a + byte), load(row_at(at) + byte));
    }
    out[at] = sum_of(sum);
  }
}

void unpack(const std::uint8_t* head, const std::uint8_t* rest, std::size_t blocks,
            std::uint8_t* levels, std::int8_t* moved, std::int32_t (&sums)[2]) {
  const __m256i low = _mm256_set1_epi8(15);
  const __m256i eight = _mm256_set1_epi8(8);
  const __m256i zero = _mm256_setzero_si256();
  __m256i sum[2] = {zero, zero};
  const auto put = [&](__m256i bytes, __mmask32 counts, std::size_t at, __m256i& to) {
    bytes = _mm256_maskz_mov_epi8(counts, bytes);
    _mm256_store_si256(reinterpret_cast<__m256i*>(levels + at), bytes);
    _mm256_store_si256(reinterpret_cast<__m256i*>(moved + at),
                       _mm256_maskz_sub_epi8(counts, bytes, eight));
    to = _mm256_add_epi64(to, _mm256_sad_epu8(bytes, zero));
  };
  for (std::size_t block = 0; block < blocks; ++block) {
    for (std::size_t half = 0; half < 2; ++half) {
      const bool cut = block == 0 && half == 1;
      const __mmask32 counts = cut ? (1U << (kTrailerPlace - kHalf)) - 1 : ~0U;
      const __m256i codes = load(block_of(head, rest, block) + half * kHalf);
      const std::size_t at = block * kBlockCoordinates + half * kHalf;
      __m256i& to = sum[block == 0 ? 0 : 1];
      put(_mm256_and_si256(codes, low), counts, at, to);
      put(_mm256_and_si256(_mm256_srli_epi16(codes, 4), low), counts, at + kBlockBytes, to);
    }
  }
  for (std::size_t part = 0; part < 2; ++part) sums[part] = sum_of(sum[part]);
}

constexpr Kernels kVnni{"vnni-256", score_heads, add_rests, keep, dot, unpack};

}  // namespace
}  // namespace selvedge::ann

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace selvedge::ann {

const Kernels* vnni_kernels() { return &kVnni; }

}  // namespace selvedge::ann

#else

namespace selvedge::ann {

const Kernels* vnni_kernels() { return nullptr; }

}  // namespace selvedge::ann

#endif
