// Distance kernels: compiled once per instruction set, chosen at run time.
#include "ann/distance.h"

#include <algorithm>

#include "ann/prefetch.h"

// Rows come from memory, which registers of 256 bits keep up with, and with wider ones the clock of
// some processors falls.
#define HWY_DISABLED_TARGETS (HWY_AVX3 | HWY_AVX3_DL)

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ann/distance.cpp"
#include <hwy/foreach_target.h>
// clang-format off: highway.h must come after foreach_target.h.
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace selvedge::ann {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// At most kRowFloats lanes, so that every row is a whole number of registers.
using Lanes = hn::CappedTag<float, kRowFloats>;

struct Dot {
  template <class V>
  static HWY_INLINE V add(V query, V row, V sum) {
    return hn::MulAdd(query, row, sum);
  }
};

// Differences are squared, not expanded into norms and a product: near rows keep all their digits.
struct SquaredDistance {
  template <class V>
  static HWY_INLINE V add(V query, V row, V sum) {
    const V difference = hn::Sub(query, row);
    return hn::MulAdd(difference, difference, sum);
  }
};

// Four rows at once: each part of the query is loaded once for four rows, and memory serves four
// streams. `ahead` is read in passing, so that the next four rows are on their way.
template <class Term>
HWY_INLINE void four_rows(const float* HWY_RESTRICT query, const float* const (&row)[4],
                          const float* const (&ahead)[4], std::size_t stride,
                          float* HWY_RESTRICT out) {
  const Lanes lanes;
  const std::size_t width = hn::Lanes(lanes);
  auto sum0 = hn::Zero(lanes);
  auto sum1 = sum0;
  auto sum2 = sum0;
  auto sum3 = sum0;
  auto more0 = sum0;
  auto more1 = sum0;
  auto more2 = sum0;
  auto more3 = sum0;
  std::size_t at = 0;
  for (; at + kRowFloats <= stride; at += kRowFloats) {
    prefetch_line(ahead[0] + at);
    prefetch_line(ahead[1] + at);
    prefetch_line(ahead[2] + at);
    prefetch_line(ahead[3] + at);
    for (std::size_t part = 0; part < kRowFloats; part += 2 * width) {
      const auto first = hn::Load(lanes, query + at + part);
      sum0 = Term::add(first, hn::Load(lanes, row[0] + at + part), sum0);
      sum1 = Term::add(first, hn::Load(lanes, row[1] + at + part), sum1);
      sum2 = Term::add(first, hn::Load(lanes, row[2] + at + part), sum2);
      sum3 = Term::add(first, hn::Load(lanes, row[3] + at + part), sum3);
      if (part + width >= kRowFloats) break;
      const auto second = hn::Load(lanes, query + at + part + width);
      more0 = Term::add(second, hn::Load(lanes, row[0] + at + part + width), more0);
      more1 = Term::add(second, hn::Load(lanes, row[1] + at + part + width), more1);
      more2 = Term::add(second, hn::Load(lanes, row[2] + at + part + width), more2);
      more3 = Term::add(second, hn::Load(lanes, row[3] + at + part + width), more3);
    }
  }
  out[0] = hn::GetLane(hn::SumOfLanes(lanes, hn::Add(sum0, more0)));
  out[1] = hn::GetLane(hn::SumOfLanes(lanes, hn::Add(sum1, more1)));
  out[2] = hn::GetLane(hn::SumOfLanes(lanes, hn::Add(sum2, more2)));
  out[3] = hn::GetLane(hn::SumOfLanes(lanes, hn::Add(sum3, more3)));
}

// `row_at(i)` is the row of out[i].
template <class Term, class RowAt>
HWY_INLINE void score(const float* query, std::size_t stride, std::size_t count, RowAt row_at,
                      float* out) {
  std::size_t at = 0;
  for (; at + 4 <= count; at += 4) {
    const float* const row[4] = {row_at(at), row_at(at + 1), row_at(at + 2), row_at(at + 3)};
    // Past the end the current rows stand in: a prefetch of what is in the cache costs nothing.
    const std::size_t next = at + 8 <= count ? at + 4 : at;
    const float* const ahead[4] = {row_at(next), row_at(next + 1), row_at(next + 2),
                                   row_at(next + 3)};
    four_rows<Term>(query, row, ahead, stride, out + at);
  }
  if (at == count) return;
  // The last row stands in for those that are missing: a row's number must not depend on how many
  // are asked for beside it, or equal rows would not be equally near.
  const float* last[4];
  for (std::size_t each = 0; each < 4; ++each) last[each] = row_at(std::min(at + each, count - 1));
  float numbers[4];
  four_rows<Term>(query, last, last, stride, numbers);
  std::copy_n(numbers, count - at, out + at);
}

template <class Term>
void score_rows(const float* query, RowBlock block, const std::uint32_t* rows, std::size_t count,
                float* out) {
  if (rows == nullptr) {
    score<Term>(
        query, block.stride, count,
        [block](std::size_t at) { return block.values + at * block.stride; }, out);
  } else {
    score<Term>(
        query, block.stride, count,
        [block, rows](std::size_t at) { return block.values + rows[at] * block.stride; }, out);
  }
}

template <class Term>
void score_scattered(const float* query, std::size_t stride, const float* const* rows,
                     std::size_t count, float* out) {
  score<Term>(
      query, stride, count, [rows](std::size_t at) { return rows[at]; }, out);
}

void dot_at(const float* query, std::size_t stride, const float* const* rows, std::size_t count,
            float* out) {
  score_scattered<Dot>(query, stride, rows, count, out);
}

void squared_distance_at(const float* query, std::size_t stride, const float* const* rows,
                         std::size_t count, float* out) {
  score_scattered<SquaredDistance>(query, stride, rows, count, out);
}

void dot(const float* query, RowBlock block, const std::uint32_t* rows, std::size_t count,
         float* out) {
  score_rows<Dot>(query, block, rows, count, out);
}

void squared_distance(const float* query, RowBlock block, const std::uint32_t* rows,
                      std::size_t count, float* out) {
  score_rows<SquaredDistance>(query, block, rows, count, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace selvedge::ann
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace selvedge::ann {

HWY_EXPORT(dot);
HWY_EXPORT(squared_distance);
HWY_EXPORT(dot_at);
HWY_EXPORT(squared_distance_at);

void dot_rows(const float* query, RowBlock block, std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(dot)(query, block, nullptr, out.size(), out.data());
}

void squared_distance_rows(const float* query, RowBlock block, std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(squared_distance)(query, block, nullptr, out.size(), out.data());
}

void dot_chosen(const float* query, RowBlock block, std::span<const std::uint32_t> rows,
                std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(dot)(query, block, rows.data(), rows.size(), out.data());
}

void squared_distance_chosen(const float* query, RowBlock block,
                             std::span<const std::uint32_t> rows, std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(squared_distance)
  (query, block, rows.data(), rows.size(), out.data());
}

void dot_scattered(const float* query, std::size_t stride, std::span<const float* const> rows,
                   std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(dot_at)(query, stride, rows.data(), rows.size(), out.data());
}

void squared_distance_scattered(const float* query, std::size_t stride,
                                std::span<const float* const> rows, std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(squared_distance_at)(query, stride, rows.data(), rows.size(), out.data());
}

}  // namespace selvedge::ann
#endif  // HWY_ONCE
