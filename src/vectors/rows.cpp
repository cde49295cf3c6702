// Rows: filling, stamping and giving slots anew.
#include "vectors/rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "ann/distance.h"
#include "base/check.h"

namespace selvedge::vectors {
namespace {

constexpr std::size_t kHugePageBytes = 2U << 20;

// The log of what no list knows is kept to a quarter of the rows, or to so many.
constexpr std::size_t kUnlistedLeast = 4 * 8'192;

float inverse_length(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * value;
  return sum == 0 ? 0.0F : static_cast<float>(1 / std::sqrt(sum));
}

}  // namespace

Rows::Rows(std::size_t dimensions)
    : dimensions_(dimensions),
      stride_(ann::padded_dimensions(dimensions)),
      grid_(stride_ * sizeof(float)),
      chunks_(std::make_shared<ChunkList>()),
      partitions_(std::make_shared<Partitions>()) {
  partitions_->names.emplace_back();
}

const std::string& Rows::id_at(Slot slot) const {
  const std::size_t chunk_at = grid_.chunk_of(slot);
  return (*chunks_)[chunk_at].chunk->id(slot - grid_.first_slot(chunk_at));
}

Slot Rows::slot_of(std::string_view id) const {
  return slots_.find(id, [this](Slot slot) -> const std::string& { return id_at(slot); });
}

std::optional<Rows::Standing> Rows::living(Slot slot) const {
  const std::size_t chunk_at = grid_.chunk_of(slot);
  const Chunk& chunk = *(*chunks_)[chunk_at].chunk;
  const std::size_t row = slot - grid_.first_slot(chunk_at);
  if (chunk.died(row) != Chunk::kAlive) return std::nullopt;
  return Standing{chunk.id(row), chunk.born(row)};
}

Slot Rows::put(std::string_view id, std::span<const float> values,
               const std::optional<std::string_view>& partition, MutationNumber mutation,
               std::span<const PropertyValue> properties) {
  SEL_CHECK(properties.size() == column_types_.size());
  erase(id, mutation);
  const PartitionNumber number = partition_number(partition);
  const Slot slot = vacant_slot();
  const std::size_t chunk_at = grid_.chunk_of(slot);
  const std::size_t row = slot - grid_.first_slot(chunk_at);
  const IndexedChunk& indexed = (*chunks_)[chunk_at];
  Chunk& chunk = *indexed.chunk;

  float* place = chunk.values_.values() + row * stride_;
  std::memcpy(place, values.data(), values.size_bytes());
  std::fill(place + dimensions_, place + stride_, 0.0F);
  chunk.ids_[row] = id;
  chunk.partitions_[row].store(number, std::memory_order_relaxed);
  chunk.inverse_lengths_[row] = inverse_length(values);
  for (std::size_t at = 0; at < properties.size(); ++at) {
    indexed.columns[at]->set(row, properties[at]);
  }
  chunk.last_birth_.store(mutation, std::memory_order_relaxed);
  chunk.born_[row].store(mutation, std::memory_order_relaxed);
  chunk.died_[row].store(Chunk::kAlive, std::memory_order_release);

  slots_.insert(id, slot);
  note_filled(slot, mutation);
  if (recent_noted_) recent_.append(slot, mutation);
  unlisted_.append(slot, mutation);
  const std::size_t kept = std::max(kUnlistedLeast, size() / 4);
  if (unlisted_.size() > kept) unlisted_.drop_before(unlisted_.end() - kept);
  return slot;
}

void Rows::erase(std::string_view id, MutationNumber mutation) {
  const Slot slot = slot_of(id);
  if (slot == kNoSlot) return;
  const std::size_t chunk_at = grid_.chunk_of(slot);
  Chunk& chunk = *(*chunks_)[chunk_at].chunk;
  chunk.died_[slot - grid_.first_slot(chunk_at)].store(mutation, std::memory_order_relaxed);
  if (chunk.first_death_.load(std::memory_order_relaxed) > mutation) {
    chunk.first_death_.store(mutation, std::memory_order_release);
  }
  slots_.erase(id, slot);
  dead_.push_back(slot);
}

void Rows::note_all_recent(const std::vector<bool>& linked) {
  for (Slot slot = 0; slot < slot_end_; ++slot) {
    if (slot < linked.size() && linked[slot]) continue;
    const Chunk& chunk = *(*chunks_)[grid_.chunk_of(slot)].chunk;
    const std::size_t row = grid_.row_of(slot);
    if (chunk.died(row) == Chunk::kAlive) recent_.append(slot, chunk.born(row));
  }
  recent_noted_ = true;
}

std::vector<Slot> Rows::take_dead(MutationNumber mutation) {
  // They stand in the order in which they ended.
  const auto end = std::find_if(dead_.begin(), dead_.end(), [&](Slot slot) {
    return (*chunks_)[grid_.chunk_of(slot)].chunk->died(grid_.row_of(slot)) > mutation;
  });
  std::vector<Slot> taken(dead_.begin(), end);
  dead_.erase(dead_.begin(), end);
  return taken;
}

void Rows::free(std::span<const Slot> slots) {
  for (const Slot slot : slots) free_.push_back({sequence_, slot});
}

Slot Rows::vacant_slot() {
  if (!free_.empty() && free_.front().after < oldest_snapshot()) {
    const Slot slot = free_.front().slot;
    free_.pop_front();
    return slot;
  }
  SEL_CHECK(slot_end_ < kNoSlot);
  if (chunks_->empty() || grid_.chunk_of(static_cast<Slot>(slot_end_)) == chunks_->size()) {
    add_chunk(std::nullopt);
  }
  return static_cast<Slot>(slot_end_++);
}

std::uint64_t Rows::oldest_snapshot() {
  while (!living_.empty() && living_.front().ended->load(std::memory_order_acquire)) {
    living_.pop_front();
  }
  return living_.empty() ? sequence_ + 1 : living_.front().sequence;
}

void Rows::note_filled(Slot slot, MutationNumber mutation) {
  const std::size_t span = slot / grid_.rows_max();
  if (span >= filled_.size()) filled_.resize(span + 1);
  filled_[span] = std::max(filled_[span], mutation);
}

std::vector<Slot> Rows::free_slots() const {
  std::vector<Slot> slots;
  slots.reserve(free_.size());
  for (const Freed& freed : free_) slots.push_back(freed.slot);
  return slots;
}

void Rows::add_chunk(std::optional<ValueMemory> values) {
  const std::size_t row_bytes = stride_ * sizeof(float);
  const std::size_t rows = grid_.rows_of(chunks_->size());
  // Huge pages only for chunks that fill some: a page that is touched is there whole.
  const bool large = rows == grid_.rows_max() && rows * row_bytes >= kHugePageBytes;
  if (!values) values = ValueMemory::own(rows * stride_, large);
  const Slot first = grid_.first_slot(chunks_->size());
  IndexedChunk made{std::make_shared<Chunk>(first, rows, stride_, *std::move(values)), {}};
  for (const PropertyType type : column_types_) {
    made.columns.push_back(std::make_shared<Column>(type, rows));
  }
  own_chunks().push_back(std::move(made));
}

void Rows::restore(const StoredRows& stored, const ValuesOf& values_of) {
  SEL_CHECK(chunks_->empty() && column_types_.empty());
  auto partitions = std::make_shared<Partitions>();
  partitions->names = stored.partition_names;
  for (std::size_t at = 1; at < partitions->names.size(); ++at) {
    partitions->numbers.emplace(partitions->names[at], static_cast<PartitionNumber>(at));
  }
  partitions_ = std::move(partitions);
  slots_.reserve(stored.living_count);
  slot_end_ = stored.slot_end;
  filled_.resize((slot_end_ + grid_.rows_max() - 1) / grid_.rows_max());
  std::string_view ids = stored.ids;
  while (grid_.first_slot(chunks_->size()) < slot_end_) {
    const std::size_t chunk_at = chunks_->size();
    add_chunk(values_of(chunk_at));
    restore_chunk(stored, chunk_at, ids);
  }
  std::vector<bool> free(slot_end_);
  for (const Slot slot : stored.free) {
    if (free[slot]) continue;
    free[slot] = true;
    free_.push_back({0, slot});
  }
  for (Slot slot = 0; slot < slot_end_; ++slot) {
    if (stored.born[slot] == 0 && !free[slot]) dead_.push_back(slot);
  }
}

void Rows::skip_to(std::size_t slot_end) {
  for (; slot_end_ < slot_end; ++slot_end_) {
    const auto slot = static_cast<Slot>(slot_end_);
    const std::size_t chunk_at = grid_.chunk_of(slot);
    if (chunk_at == chunks_->size()) add_chunk(std::nullopt);
    (*chunks_)[chunk_at].chunk->first_death_.store(0, std::memory_order_relaxed);
    note_filled(slot, 0);
    dead_.push_back(slot);
  }
}

void Rows::restore_chunk(const StoredRows& stored, std::size_t chunk_at, std::string_view& ids) {
  Chunk& chunk = *(*chunks_)[chunk_at].chunk;
  const Slot first = chunk.first_slot();
  const std::size_t rows = std::min(chunk.capacity(), slot_end_ - first);
  MutationNumber last_birth = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    const auto slot = static_cast<Slot>(first + row);
    const MutationNumber born = stored.born[slot];
    if (born == 0) {
      chunk.first_death_.store(0, std::memory_order_relaxed);
      continue;
    }
    chunk.ids_[row] = ids.substr(0, stored.id_lengths[slot]);
    ids.remove_prefix(stored.id_lengths[slot]);
    chunk.partitions_[row].store(stored.partitions[slot], std::memory_order_relaxed);
    chunk.inverse_lengths_[row] = stored.inverse_lengths[slot];
    chunk.born_[row].store(born, std::memory_order_relaxed);
    chunk.died_[row].store(Chunk::kAlive, std::memory_order_relaxed);
    last_birth = std::max(last_birth, born);
    slots_.insert(chunk.ids_[row], slot);
    note_filled(slot, born);
  }
  chunk.last_birth_.store(last_birth, std::memory_order_relaxed);
}

Rows::Draft Rows::draft_column(PropertyType type) const {
  Draft draft;
  draft.type = type;
  for (const IndexedChunk& each : *chunks_) {
    draft.columns.push_back(std::make_shared<Column>(type, each.chunk->capacity()));
  }
  return draft;
}

void Rows::set_drafted(const Draft& draft, std::string_view id, const PropertyValue& value) const {
  const Slot slot = slot_of(id);
  if (slot != kNoSlot) set_drafted(draft, slot, value);
}

void Rows::set_drafted(const Draft& draft, Slot slot, const PropertyValue& value) const {
  draft.columns[grid_.chunk_of(slot)]->set(grid_.row_of(slot), value);
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
                                               std::shared_ptr<const Properties> properties,
                                               RecentCodes recent_codes) {
  // Ended ones behind a living one are swept out before they become many.
  if (living_.size() >= 2 * living_checked_ + 64) {
    std::erase_if(living_,
                  [](const Living& each) { return each.ended->load(std::memory_order_acquire); });
    living_checked_ = living_.size();
  }
  chunks_lent_ = true;
  partitions_lent_ = true;
  auto ended = std::make_shared<std::atomic<bool>>(false);
  living_.push_back({++sequence_, ended});
  return std::make_shared<const Snapshot>(Snapshot{
      SnapshotEnd(std::move(ended)), grid_, chunks_, slot_end_, recent_.view(), unlisted_.view(),
      partitions_, std::move(properties), stats, recent_noted_, std::move(recent_codes)});
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
