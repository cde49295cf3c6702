// Reserved array: one private mapping without a claim on swap.
#include "ann/reserved_array.h"

#include <algorithm>

#include <sys/mman.h>

#include "base/check.h"

namespace selvedge::ann {
namespace {

constexpr std::size_t kHugePageBytes = 2U << 20;
// Asked for this much at a time: a call of the system per huge page would be too many.
constexpr std::size_t kAnnouncedBytes = 8 * kHugePageBytes;

std::size_t round_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

}  // namespace

ReservedMemory::ReservedMemory(std::size_t bytes)
    : bytes_(round_up(std::max<std::size_t>(bytes, 1), kHugePageBytes)) {
  void* mapped = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  SEL_CHECK(mapped != MAP_FAILED);
  data_ = mapped;
  // Where the system gives huge pages unasked, a small index would take 2 MiB an array.
  ::madvise(data_, bytes_, MADV_NOHUGEPAGE);
  // A core file of address space that nobody touched helps nobody.
  ::madvise(data_, bytes_, MADV_DONTDUMP);
}

ReservedMemory::~ReservedMemory() { ::munmap(data_, bytes_); }

void ReservedMemory::announce(std::size_t bytes) const {
  if (bytes < kHugePageBytes || bytes <= announced_) return;
  const std::lock_guard announcing(announcing_mutex_);
  if (bytes <= announced_) return;
  const std::size_t end = std::min(round_up(bytes, kAnnouncedBytes), bytes_);
  // A wish: without huge pages searches are slower, not wrong.
  ::madvise(static_cast<char*>(data_) + announced_, end - announced_, MADV_HUGEPAGE);
  announced_ = end;
}

}  // namespace selvedge::ann
