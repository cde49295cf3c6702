// Snapshot: what it takes.
#include "vectors/snapshot.h"

namespace selvedge::vectors {

std::size_t Snapshot::other_bytes() const {
  // Of each slot: the chunk's arrays, about two entries of the map from ids, an id of usual length.
  constexpr std::size_t kSlotBytes = sizeof(std::string) + 2 * sizeof(MutationNumber) +
                                     sizeof(PartitionNumber) + sizeof(float) + 16 + 8;
  std::size_t bytes = 0;
  for (const IndexedChunk& each : *chunks) {
    bytes += each.chunk->capacity() * kSlotBytes;
    for (const auto& column : each.columns) bytes += column->bytes();
  }
  return bytes;
}

}  // namespace selvedge::vectors
