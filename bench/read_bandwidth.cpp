// Read bandwidth: a sum with eight accumulators, compiled for every instruction set.
#include "read_bandwidth.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "read_bandwidth.cpp"
#include <hwy/foreach_target.h>
// clang-format off: highway.h must come after foreach_target.h.
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace selvedge::bench {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

float sum(const float* values, std::size_t count) {
  const hn::ScalableTag<float> lanes;
  const std::size_t width = hn::Lanes(lanes);
  auto sum0 = hn::Zero(lanes);
  auto sum1 = sum0;
  auto sum2 = sum0;
  auto sum3 = sum0;
  auto sum4 = sum0;
  auto sum5 = sum0;
  auto sum6 = sum0;
  auto sum7 = sum0;
  for (std::size_t at = 0; at + 8 * width <= count; at += 8 * width) {
    sum0 = hn::Add(sum0, hn::Load(lanes, values + at));
    sum1 = hn::Add(sum1, hn::Load(lanes, values + at + width));
    sum2 = hn::Add(sum2, hn::Load(lanes, values + at + 2 * width));
    sum3 = hn::Add(sum3, hn::Load(lanes, values + at + 3 * width));
    sum4 = hn::Add(sum4, hn::Load(lanes, values + at + 4 * width));
    sum5 = hn::Add(sum5, hn::Load(lanes, values + at + 5 * width));
    sum6 = hn::Add(sum6, hn::Load(lanes, values + at + 6 * width));
    sum7 = hn::Add(sum7, hn::Load(lanes, values + at + 7 * width));
  }
  const auto low = hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
  const auto high = hn::Add(hn::Add(sum4, sum5), hn::Add(sum6, sum7));
  return hn::GetLane(hn::SumOfLanes(lanes, hn::Add(low, high)));
}

}  // namespace HWY_NAMESPACE
}  // namespace selvedge::bench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <cstdlib>

#include <sys/mman.h>

namespace selvedge::bench {

HWY_EXPORT(sum);

namespace {

constexpr std::size_t kHugePageBytes = 2U << 20;

std::size_t rounded(std::size_t bytes) {
  return (bytes + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
}

}  // namespace

ReadBandwidth::ReadBandwidth(std::size_t bytes)
    : count_(bytes / sizeof(float)),
      memory_(static_cast<float*>(std::aligned_alloc(kHugePageBytes, rounded(bytes))), std::free) {
  ::madvise(memory_.get(), rounded(bytes), MADV_HUGEPAGE);
  std::fill_n(memory_.get(), count_, 1.0F);
}

void ReadBandwidth::pass() { kept_ = HWY_DYNAMIC_DISPATCH(sum)(memory_.get(), count_); }

}  // namespace selvedge::bench
#endif  // HWY_ONCE
