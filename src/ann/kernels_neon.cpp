// NEON kernels: what every 64-bit ARM processor has.
#include "ann/kernel_variants.h"

#if defined(__aarch64__)

#include <arm_neon.h>

namespace selvedge::ann {
namespace {

// 16 products of 4 by 8 bits, added in pairs to four sums.
inline int32x4_t add_products(int32x4_t sum, uint8x16_t codes, const std::int8_t* values) {
  const int8x16_t left = vreinterpretq_s8_u8(codes);
  const int8x16_t right = vld1q_s8(values);
  const int16x8_t low = vmull_s8(vget_low_s8(left), vget_low_s8(right));
  const int16x8_t high = vmull_high_s8(left, right);
  return vpadalq_s16(vpadalq_s16(sum, low), high);
}

inline std::int32_t dot_blocks(const std::int8_t* query, const std::uint8_t* codes,
                               std::size_t blocks) {
  const uint8x16_t low = vdupq_n_u8(15);
  int32x4_t lows = vdupq_n_s32(0);
  int32x4_t highs = lows;
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::int8_t* values = query + block * kBlockCoordinates;
    for (std::size_t at = 0; at < kBlockBytes; at += 16) {
      const uint8x16_t pairs = vld1q_u8(codes + block * kBlockBytes + at);
      lows = add_products(lows, vandq_u8(pairs, low), values + at);
      highs = add_products(highs, vshrq_n_u8(pairs, 4), values + kBlockBytes + at);
    }
  }
  return vaddvq_s32(vaddq_s32(lows, highs));
}

void dot(const std::uint8_t* a, const std::int8_t* rows, std::size_t stride, std::size_t bytes,
         const std::uint32_t* chosen, std::size_t count, std::int32_t* out) {
  for (std::size_t at = 0; at < count; ++at) {
    const std::int8_t* row = rows + (chosen == nullptr ? at : chosen[at]) * stride;
    int32x4_t sum = vdupq_n_s32(0);
    for (std::size_t byte = 0; byte < bytes; byte += 8) {
      const int16x8_t left = vreinterpretq_s16_u16(vmovl_u8(vld1_u8(a + byte)));
      const int16x8_t right = vmovl_s8(vld1_s8(row + byte));
      sum = vmlal_s16(sum, vget_low_s16(left), vget_low_s16(right));
      sum = vmlal_high_s16(sum, left, right);
    }
    out[at] = vaddvq_s32(sum);
  }
}

constexpr Kernels kNeon{"neon",
                        score_heads_by_record<dot_blocks>,
                        add_rests_by_record<dot_blocks>,
                        keep_plainly,
                        dot,
                        unpack_plainly};

}  // namespace

const Kernels* neon_kernels() { return &kNeon; }

}  // namespace selvedge::ann

#else

namespace selvedge::ann {

const Kernels* neon_kernels() { return nullptr; }

}  // namespace selvedge::ann

#endif
