// Cap'n Proto 0.9 under clang: two operators that its own headers use, and declare only for
// compilers before C++20. g++ makes them of StringPtr's members; clang follows P2468 and does not.
// Included before every source that uses it.
#pragma once

#include <capnp/common.h>
#include <kj/string.h>

#if CAPNP_VERSION < 10000 && __cpp_impl_three_way_comparison
namespace kj {
inline bool operator==(const char* a, const StringPtr& b) { return b.operator==(StringPtr(a)); }
inline bool operator!=(const char* a, const StringPtr& b) { return b.operator!=(StringPtr(a)); }
}  // namespace kj
#endif
