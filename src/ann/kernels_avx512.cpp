// AVX-512 kernels: products of bytes by VNNI, four records at a time.
#include "ann/kernel_variants.h"

#if defined(__x86_64__)

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

// Records are fetched this many ahead of the arithmetic: about what a core keeps in flight.
constexpr std::size_t kAhead = 8;

inline void prefetch(const std::uint8_t* record, std::size_t blocks) {
  for (std::size_t block = 0; block < blocks; ++block) {
    _mm_prefetch(reinterpret_cast<const char*>(record + block * kBlockBytes), _MM_HINT_T0);
  }
}

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

template <std::size_t kBlocks>
inline void add_record(const CodeQuery& query, const std::uint8_t* record, std::size_t blocks,
                       __m512i& sum) {
  const __m512i low = _mm512_set1_epi8(15);
  const std::size_t count = kBlocks == 0 ? blocks : kBlocks;
#pragma GCC unroll 8
  for (std::size_t block = 0; block < count; ++block) {
    const __m512i codes = load(record + block * kBlockBytes);
    const std::int8_t* values = query.values + block * kBlockCoordinates;
    sum = _mm512_dpbusd_epi32(sum, _mm512_and_si512(codes, low), load(values));
    sum = _mm512_dpbusd_epi32(sum, _mm512_and_si512(_mm512_srli_epi16(codes, 4), low),
                              load(values + kBlockBytes));
  }
}

inline __m128 load_trailers(const std::uint8_t* a, const std::uint8_t* b) {
  return _mm_castsi128_ps(_mm_unpacklo_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(a)),
                                             _mm_loadl_epi64(reinterpret_cast<const __m128i*>(b))));
}

template <std::size_t kBlocks, class RecordAt>
inline void score_all(const CodeQuery& query, std::size_t count, RecordAt record_at, float* out) {
  const std::size_t blocks = kBlocks == 0 ? query.blocks : kBlocks;
  const std::size_t end = blocks * kBlockBytes - kTrailerBytes;
  const __m128 scale = _mm_set1_ps(query.scale);
  const __m128 shift = _mm_set1_ps(query.shift);
  for (std::size_t at = 0; at < count && at < kAhead; ++at) prefetch(record_at(at), blocks);
  std::size_t at = 0;
  for (; at + 4 <= count; at += 4) {
    for (std::size_t next = at + kAhead; next < count && next < at + kAhead + 4; ++next) {
      prefetch(record_at(next), blocks);
    }
    const std::uint8_t* const records[4] = {record_at(at), record_at(at + 1), record_at(at + 2),
                                            record_at(at + 3)};
    __m512i sums[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                       _mm512_setzero_si512()};
#pragma GCC unroll 4
    for (std::size_t each = 0; each < 4; ++each) {
      add_record<kBlocks>(query, records[each], blocks, sums[each]);
    }
    const __m128 dots = _mm_cvtepi32_ps(four_sums(sums[0], sums[1], sums[2], sums[3]));
    const __m128 first = load_trailers(records[0] + end, records[1] + end);
    const __m128 second = load_trailers(records[2] + end, records[3] + end);
    const __m128 factors = _mm_shuffle_ps(first, second, _MM_SHUFFLE(2, 0, 2, 0));
    const __m128 biases = _mm_shuffle_ps(first, second, _MM_SHUFFLE(3, 1, 3, 1));
    _mm_storeu_ps(out + at, _mm_fmsub_ps(factors, _mm_fmsub_ps(scale, dots, shift), biases));
  }
  for (; at < count; ++at) {
    const std::uint8_t* record = record_at(at);
    __m512i sum = _mm512_setzero_si512();
    add_record<kBlocks>(query, record, blocks, sum);
    out[at] = score_of(query, _mm512_reduce_add_epi32(sum), trailer(record, blocks));
  }
}

template <std::size_t kBlocks>
void score_blocks(const CodeQuery& query, const std::uint8_t* records, const Slot* slots,
                  std::size_t count, float* out) {
  const std::size_t stride = (kBlocks == 0 ? query.blocks : kBlocks) * kBlockBytes;
  if (slots == nullptr) {
    score_all<kBlocks>(
        query, count, [=](std::size_t at) { return records + at * stride; }, out);
  } else {
    score_all<kBlocks>(
        query, count, [=](std::size_t at) { return records + slots[at] * stride; }, out);
  }
}

// With the number of blocks known, the query stays in registers.
void score(const CodeQuery& query, const std::uint8_t* records, const Slot* slots,
           std::size_t count, float* out) {
  switch (query.blocks) {
    case 1:
      return score_blocks<1>(query, records, slots, count, out);
    case 2:
      return score_blocks<2>(query, records, slots, count, out);
    case 3:
      return score_blocks<3>(query, records, slots, count, out);
    case 4:
      return score_blocks<4>(query, records, slots, count, out);
    case 5:
      return score_blocks<5>(query, records, slots, count, out);
    case 6:
      return score_blocks<6>(query, records, slots, count, out);
    default:
      return score_blocks<0>(query, records, slots, count, out);
  }
}

void score_run(const CodeQuery& query, const std::uint8_t* records, std::size_t count, float* out) {
  score(query, records, nullptr, count, out);
}

void dot(const std::uint8_t* a, const std::int8_t* rows, std::size_t bytes,
         const std::uint32_t* chosen, std::size_t count, std::int32_t* out) {
  const auto row_at = [=](std::size_t at) {
    return rows + (chosen == nullptr ? at : chosen[at]) * bytes;
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

constexpr Kernels kAvx512{"avx512-vnni", score, score_run, dot};

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
