// Slot: the number of a vector's place in the arrays of an index.
#pragma once

#include <cstdint>

namespace selvedge::ann {

// A slot is taken by one vector at a time; when that is gone for every reader, another may take it.
using Slot = std::uint32_t;

inline constexpr Slot kNoSlot = 0xFFFFFFFF;

}  // namespace selvedge::ann
