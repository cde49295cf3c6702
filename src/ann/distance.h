// Distance: one query against many rows of float32, by the instructions of this processor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace selvedge::ann {

// Rows are padded with zeros to a multiple of this many floats: 64 bytes, one cache line, and a
// whole number of registers of every width.
inline constexpr std::size_t kRowFloats = 16;

inline constexpr std::size_t padded_dimensions(std::size_t dimensions) {
  return (dimensions + kRowFloats - 1) / kRowFloats * kRowFloats;
}

// Rows of one memory block. `values` is [rows x stride] float32, 64-byte aligned; `stride` is a
// multiple of kRowFloats. Borrowed for the call.
struct RowBlock {
  const float* values = nullptr;
  std::size_t stride = 0;
};

// The two kernels write one number per row into `out`, accumulated in float32 over several
// registers: within 1e-5 of the exact sum relative to the sum of the terms' magnitudes. Overflow
// gives an infinity or a NaN, never a trap. `query` is [stride] float32, 64-byte aligned, padded
// with zeros. Which instructions run is chosen once, at the first call. Thread-safe.

// out[i] = query · row i, for the first out.size() rows.
void dot_rows(const float* query, RowBlock block, std::span<float> out);
// out[i] = |query - row i|², for the first out.size() rows.
void squared_distance_rows(const float* query, RowBlock block, std::span<float> out);

// The same for chosen rows: out[i] belongs to row rows[i]. `out` has the size of `rows`.
void dot_chosen(const float* query, RowBlock block, std::span<const std::uint32_t> rows,
                std::span<float> out);
void squared_distance_chosen(const float* query, RowBlock block,
                             std::span<const std::uint32_t> rows, std::span<float> out);

// The same for rows anywhere: out[i] belongs to the [stride] float32 at rows[i], 64-byte aligned.
void dot_scattered(const float* query, std::size_t stride, std::span<const float* const> rows,
                   std::span<float> out);
void squared_distance_scattered(const float* query, std::size_t stride,
                                std::span<const float* const> rows, std::span<float> out);

}  // namespace selvedge::ann
