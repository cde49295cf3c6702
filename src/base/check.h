// SEL_CHECK: stops the process on what only a bug of ours can break. Never for bytes from outside.
#pragma once

namespace selvedge {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}  // namespace selvedge

#define SEL_CHECK(condition)                                                    \
  do {                                                                          \
    if (!(condition)) ::selvedge::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)
