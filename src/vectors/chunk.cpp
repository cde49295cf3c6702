// Chunk: arrays, and memory for the longest of them.
#include "vectors/chunk.h"

#include <cstdlib>
#include <utility>

#include <sys/mman.h>

#include "base/check.h"

namespace selvedge::vectors {
namespace {

constexpr std::size_t kCacheLineBytes = 64;
constexpr std::size_t kHugePageBytes = 2U << 20;

}  // namespace

ValueMemory ValueMemory::own(std::size_t count, bool large) {
  const std::size_t alignment = large ? kHugePageBytes : kCacheLineBytes;
  const std::size_t bytes = (count * sizeof(float) + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, bytes);
  SEL_CHECK(memory != nullptr);
  // A wish: without huge pages scans are slower, not wrong.
  if (large) ::madvise(memory, bytes, MADV_HUGEPAGE);
  return {static_cast<float*>(memory),
          std::shared_ptr<const void>(memory, [memory](const void*) { std::free(memory); }), false};
}

Chunk::Chunk(Slot first_slot, std::size_t rows, std::size_t stride, ValueMemory values)
    : first_slot_(first_slot),
      stride_(stride),
      values_(std::move(values)),
      ids_(rows),
      partitions_(rows),
      inverse_lengths_(rows),
      born_(rows),
      died_(rows) {}

}  // namespace selvedge::vectors
