// Clock: the time of day as records and answers hold it.
#pragma once

#include <chrono>
#include <cstdint>

namespace selvedge {

// Microseconds since 1970, UTC.
inline std::int64_t now_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace selvedge
