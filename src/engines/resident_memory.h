// Resident memory: what this process holds now.
#pragma once

#include <cstdint>

namespace selvedge::engines {

// 0 where the system does not tell.
std::uint64_t resident_bytes();

}  // namespace selvedge::engines
