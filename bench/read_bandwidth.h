// Read bandwidth: how fast one core reads memory, as the yardstick of scans.
#pragma once

#include <cstddef>

namespace selvedge::bench {

// Bytes per second of a plain SIMD sum over `bytes` of memory (huge pages where the system gives
// them), by the widest instructions of this processor: the best of `passes`.
double read_bandwidth(std::size_t bytes, int passes);

}  // namespace selvedge::bench
