// Aligned vector: a std::vector whose first element lies on a cache line.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <vector>

#include "base/check.h"

namespace selvedge::ann {

template <class T>
struct LineAllocator {
  using value_type = T;
  static constexpr std::size_t kAlignment = 64;

  LineAllocator() = default;
  template <class U>
  explicit LineAllocator(const LineAllocator<U>&) {}
  T* allocate(std::size_t count) {
    const std::size_t bytes = (count * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    void* memory = std::aligned_alloc(kAlignment, bytes);
    SEL_CHECK(memory != nullptr);
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, std::size_t) { std::free(memory); }
  bool operator==(const LineAllocator&) const { return true; }
};

template <class T>
using AlignedVector = std::vector<T, LineAllocator<T>>;

}  // namespace selvedge::ann
