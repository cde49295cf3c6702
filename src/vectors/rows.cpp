// Rows: appending, stamping and leaving behind.
#include "vectors/rows.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <utility>

#include <sys/mman.h>

namespace selvedge::vectors {
namespace {

// The first chunk is small, as most indexes are; each has twice the rows of the one before, up to
// about this many bytes (in rows: within these bounds).
constexpr std::size_t kChunkBytes = 4U << 20;
constexpr std::size_t kChunkRowsFirst = 64;
constexpr std::size_t kChunkRowsLeast = 1'024;
constexpr std::size_t kChunkRowsMost = 16'384;
constexpr std::size_t kCacheLineBytes = 64;
constexpr std::size_t kHugePageBytes = 2U << 20;

float* aligned_floats(std::size_t count, bool large) {
  const std::size_t alignment = large ? kHugePageBytes : kCacheLineBytes;
  const std::size_t bytes = (count * sizeof(float) + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, bytes);
  SEL_CHECK(memory != nullptr);
  // A wish: without huge pages scans are slower, not wrong.
  if (large) ::madvise(memory, bytes, MADV_HUGEPAGE);
  return static_cast<float*>(memory);
}

float inverse_length(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * value;
  return sum == 0 ? 0.0F : static_cast<float>(1 / std::sqrt(sum));
}

}  // namespace

Chunk::Chunk(std::size_t rows, std::size_t stride, bool large)
    : stride_(stride),
      values_(aligned_floats(rows * stride, large)),
      ids_(rows),
      partitions_(rows),
      mutations_(rows),
      inverse_lengths_(rows),
      died_at_(rows) {}

std::optional<std::string> Snapshot::partition_name(PartitionNumber number) const {
  if (number == 0) return std::nullopt;
  return partitions->names[number];
}

Rows::Rows(std::size_t dimensions)
    : dimensions_(dimensions),
      stride_(ann::padded_dimensions(dimensions)),
      chunks_(std::make_shared<ChunkList>()),
      partitions_(std::make_shared<Partitions>()) {
  partitions_->names.emplace_back();
}

void Rows::put(std::string_view id, std::span<const float> values,
               const std::optional<std::string_view>& partition, MutationNumber mutation,
               std::span<const PropertyValue> properties) {
  SEL_CHECK(properties.size() == column_types_.size());
  erase(id, mutation);
  const PartitionNumber number = partition_number(partition);
  const Address address = append(id);
  float* row = address.chunk->values_.get() + address.row * stride_;
  std::memcpy(row, values.data(), values.size_bytes());
  std::fill(row + dimensions_, row + stride_, 0.0F);
  address.chunk->partitions_[address.row] = number;
  address.chunk->mutations_[address.row] = mutation;
  address.chunk->inverse_lengths_[address.row] = inverse_length(values);
  const auto& columns = chunks_->back().columns;
  for (std::size_t at = 0; at < columns.size(); ++at) {
    columns[at]->set(address.row, properties[at]);
  }
}

void Rows::erase(std::string_view id, MutationNumber mutation) {
  const auto known = addresses_.find(id);
  if (known == addresses_.end()) return;
  Chunk& chunk = *known->second.chunk;
  chunk.died_at_[known->second.row].store(mutation, std::memory_order_relaxed);
  ++chunk.dead_rows_;
  addresses_.erase(known);
}

void Rows::compact() {
  // The tail is still being filled; it is looked at when it is full.
  ChunkList left;
  for (std::size_t at = 0; at + 1 < chunks_->size(); ++at) {
    const Chunk& chunk = *(*chunks_)[at].chunk;
    if (chunk.dead_rows_ * 4 > chunk.capacity()) left.push_back((*chunks_)[at]);
  }
  if (left.empty()) return;
  for (const IndexedChunk& chunk : left) move_living(chunk);
  std::erase_if(own_chunks(), [&left](const IndexedChunk& each) {
    return std::any_of(left.begin(), left.end(),
                       [&each](const IndexedChunk& gone) { return gone.chunk == each.chunk; });
  });
}

void Rows::move_living(const IndexedChunk& from) {
  const Chunk& chunk = *from.chunk;
  for (std::size_t row = 0; row < chunk.capacity(); ++row) {
    if (!chunk.alive(row, Chunk::kAlive - 1)) continue;
    // Not stamped: older snapshots still find the row here, newer ones do not have this chunk.
    addresses_.erase(chunk.id(row));
    const Address address = append(chunk.id(row));
    std::memcpy(address.chunk->values_.get() + address.row * stride_,
                chunk.values_.get() + row * stride_, stride_ * sizeof(float));
    address.chunk->partitions_[address.row] = chunk.partitions_[row];
    address.chunk->mutations_[address.row] = chunk.mutations_[row];
    address.chunk->inverse_lengths_[address.row] = chunk.inverse_lengths_[row];
    const auto& columns = chunks_->back().columns;
    for (std::size_t at = 0; at < columns.size(); ++at) {
      columns[at]->copy(address.row, *from.columns[at], row);
    }
  }
}

Rows::Draft Rows::draft_column(PropertyType type) const {
  Draft draft;
  draft.type = type;
  for (const IndexedChunk& each : *chunks_) {
    draft.columns.push_back(std::make_shared<Column>(type, each.chunk->capacity()));
    draft.by_chunk.emplace(each.chunk.get(), draft.columns.back().get());
  }
  return draft;
}

void Rows::set_drafted(const Draft& draft, std::string_view id, const PropertyValue& value) const {
  const auto known = addresses_.find(id);
  if (known == addresses_.end()) return;
  draft.by_chunk.at(known->second.chunk)->set(known->second.row, value);
}

void Rows::install_column(Draft draft, std::size_t at) {
  ChunkList& chunks = own_chunks();
  SEL_CHECK(draft.columns.size() == chunks.size() && at <= column_types_.size());
  if (at == column_types_.size()) column_types_.emplace_back();
  column_types_[at] = draft.type;
  for (std::size_t chunk_at = 0; chunk_at < chunks.size(); ++chunk_at) {
    chunks[chunk_at].columns.resize(column_types_.size());
    chunks[chunk_at].columns[at] = std::move(draft.columns[chunk_at]);
  }
}

void Rows::remove_column(std::size_t at) {
  const auto offset = static_cast<std::ptrdiff_t>(at);
  column_types_.erase(column_types_.begin() + offset);
  for (IndexedChunk& each : own_chunks()) each.columns.erase(each.columns.begin() + offset);
}

std::shared_ptr<const Snapshot> Rows::snapshot(const IndexStats& stats,
                                               std::shared_ptr<const Properties> properties) {
  chunks_lent_ = true;
  partitions_lent_ = true;
  return std::make_shared<const Snapshot>(
      Snapshot{chunks_, tail_rows_, partitions_, std::move(properties), stats});
}

Rows::Address Rows::append(std::string_view id) {
  if (chunks_->empty() || tail_rows_ == chunks_->back().chunk->capacity()) add_chunk();
  Chunk& tail = *chunks_->back().chunk;
  const Address address{&tail, tail_rows_++};
  tail.ids_[address.row] = id;
  tail.died_at_[address.row].store(Chunk::kAlive, std::memory_order_relaxed);
  addresses_.emplace(tail.ids_[address.row], address);
  return address;
}

void Rows::add_chunk() {
  const std::size_t row_bytes = stride_ * sizeof(float);
  const std::size_t most =
      std::clamp(std::bit_floor(kChunkBytes / row_bytes), kChunkRowsLeast, kChunkRowsMost);
  const std::size_t rows =
      chunks_->empty() ? kChunkRowsFirst : std::min(chunks_->back().chunk->capacity() * 2, most);
  // Huge pages only for chunks that fill some: a page that is touched is there whole.
  const bool large = rows == most && rows * row_bytes >= kHugePageBytes;
  IndexedChunk made{std::make_shared<Chunk>(rows, stride_, large), {}};
  for (const PropertyType type : column_types_) {
    made.columns.push_back(std::make_shared<Column>(type, rows));
  }
  own_chunks().push_back(std::move(made));
  tail_rows_ = 0;
}

PartitionNumber Rows::partition_number(const std::optional<std::string_view>& partition) {
  if (!partition) return 0;
  const auto known = partitions_->numbers.find(std::string(*partition));
  if (known != partitions_->numbers.end()) return known->second;
  if (partitions_lent_) {
    partitions_ = std::make_shared<Partitions>(*partitions_);
    partitions_lent_ = false;
  }
  const auto number = static_cast<PartitionNumber>(partitions_->names.size());
  partitions_->names.emplace_back(*partition);
  partitions_->numbers.emplace(*partition, number);
  return number;
}

Rows::ChunkList& Rows::own_chunks() {
  if (chunks_lent_) {
    chunks_ = std::make_shared<ChunkList>(*chunks_);
    chunks_lent_ = false;
  }
  return *chunks_;
}

}  // namespace selvedge::vectors
