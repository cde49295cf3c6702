// Prefetch: what will be read soon, on its way from memory.
#pragma once

#include <cstddef>

namespace selvedge::ann {

inline constexpr std::size_t kLineBytes = 64;

// Into the second level cache, which waits for more lines at a time than the first: on a Zen 4, of
// 33 random lines 7 to 9 ns each where the first level takes 14, of rows of 48 lines 4 and 7.
inline void prefetch_line(const void* line) { __builtin_prefetch(line, 0, 2); }

inline void prefetch_lines(const void* from, std::size_t bytes) {
  const auto* line = static_cast<const char*>(from);
  for (std::size_t at = 0; at < bytes; at += kLineBytes) prefetch_line(line + at);
}

}  // namespace selvedge::ann
