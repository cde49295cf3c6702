// Lanes: sums and maxima over floats in an order that compilers turn into vector instructions.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <span>

namespace selvedge::ann {

inline constexpr std::size_t kLanes = 16;

// The largest magnitude; 0 of none. Not a number counts as nothing.
inline float largest_magnitude(std::span<const float> values) {
  std::array<float, kLanes> largest{};
  std::size_t at = 0;
  for (; at + kLanes <= values.size(); at += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float value = std::fabs(values[at + lane]);
      largest[lane] = value > largest[lane] ? value : largest[lane];
    }
  }
  for (; at < values.size(); ++at) {
    const float value = std::fabs(values[at]);
    largest[0] = value > largest[0] ? value : largest[0];
  }
  for (std::size_t lane = 1; lane < kLanes; ++lane) {
    largest[0] = largest[lane] > largest[0] ? largest[lane] : largest[0];
  }
  return largest[0];
}

// The sum of squares, in `Sum`.
template <class Sum>
Sum squared_length(std::span<const float> values) {
  std::array<Sum, kLanes> sums{};
  std::size_t at = 0;
  for (; at + kLanes <= values.size(); at += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const auto value = static_cast<Sum>(values[at + lane]);
      sums[lane] += value * value;
    }
  }
  for (; at < values.size(); ++at) {
    sums[0] += static_cast<Sum>(values[at]) * static_cast<Sum>(values[at]);
  }
  for (std::size_t lane = 1; lane < kLanes; ++lane) sums[0] += sums[lane];
  return sums[0];
}

}  // namespace selvedge::ann
