// StoredIndex, upkeep: checkpoints are written, and what they gave is verified.
#include <algorithm>
#include <cstring>
#include <utility>

#include <rocksdb/write_batch.h>

#include "ann/distance.h"
#include "base/log.h"
#include "vectors/stored_index.h"

namespace selvedge::vectors {

namespace {

// As many changes are taken in again when an index is opened within a fraction of a second.
constexpr std::uint64_t kRestShare = 64;

}  // namespace

void StoredIndex::keep_up(const std::stop_token& stop) {
  const std::lock_guard upkeep(upkeep_mutex_);
  if (Status checked = check_values(stop); !checked.ok()) {
    if (checked.error().code != Code::cancelled) {
      log::warn("index of serial {}: its values are not verified: {}", serial_,
                checked.error().message);
    }
    return;
  }
  if (!checkpoint_if_due(stop)) bound_log();
}

bool StoredIndex::checkpoint_if_due(const std::stop_token& stop) {
  const CheckpointRules& rules = shared_->checkpoints;
  const std::int64_t now = shared_->steady_us();
  if (now < retry_at_us_) return false;
  {
    const std::lock_guard writer(writer_mutex_);
    if (state_.mutation != quiet_mutation_) quiet_since_us_ = now;
    quiet_mutation_ = state_.mutation;
    std::uint64_t many = std::max<std::uint64_t>(rules.changes_min, state_.vector_count / 4) + 1;
    const bool rests = now - quiet_since_us_ >= std::chrono::microseconds(rules.rest).count();
    if (rests) many = std::min(many, at_rest_many());
    // While there is more to link or to measure, a graph is not worth a checkpoint of its own.
    const bool linked = rows_.recent().size() == 0 && !calibrating_ && linked_since_ >= many;
    if (state_.vector_count < rules.vectors_min || (changed_count_ < many && !linked)) return false;
  }
  return write_checkpoint(stop).ok();
}

std::uint64_t StoredIndex::at_rest_many() const {
  if (checkpoint_.generation == 0) return 1;
  return std::max<std::uint64_t>(shared_->checkpoints.changes_at_rest_min,
                                 state_.vector_count / kRestShare);
}

Status StoredIndex::save(const std::stop_token& stop) {
  const std::lock_guard upkeep(upkeep_mutex_);
  {
    const std::lock_guard writer(writer_mutex_);
    if (state_.vector_count < shared_->checkpoints.vectors_min) return ok_status();
    if (changed_count_ < at_rest_many() && linked_since_ < at_rest_many()) return ok_status();
  }
  SEL_CHECK_OK(check_values(stop));
  return write_checkpoint(stop);
}

bool StoredIndex::may_unload() const {
  const std::lock_guard upkeep(upkeep_mutex_);
  const std::lock_guard writer(writer_mutex_);
  if (!failure_.empty() || published_.is_late(Delay::zero())) return false;
  if (state_.vector_count < shared_->checkpoints.vectors_min) return true;
  return checkpoint_.generation != 0 && changed_count_ < at_rest_many() &&
         linked_since_ < at_rest_many();
}

// Which would have to be read record by record, in no order. Values that were not verified yet are
// verified by what the checkpoint says, so they keep it.
void StoredIndex::bound_log() {
  const std::lock_guard writer(writer_mutex_);
  const std::uint64_t most =
      std::max<std::uint64_t>(4 * shared_->checkpoints.changes_min, state_.vector_count);
  if (checkpoint_.generation == 0 || changed_count_ <= most) return;
  const std::vector<Database::Range> log = {
      {layout::log_key(serial_, 0), layout::log_end(serial_)}};
  if (!shared_->database->remove(log, layout::checkpoint_key(serial_)).ok()) return;
  log::warn("index of serial {}: {} changes are more than its checkpoint is worth, it is given up",
            serial_, changed_count_);
  logged_ = false;
  changed_count_ = state_.vector_count;
  checkpoint_ = {};
  folder_.forget();
}

CheckpointContent StoredIndex::checkpoint_content(const std::stop_token& stop) {
  CheckpointContent content;
  content.snapshot = snapshot_rows();
  content.free = rows_.free_slots();
  content.filled = rows_.filled();
  content.with_properties = shared_->reader != nullptr;
  content.add_sections = [this, stop](CheckpointWriter& writer) {
    return save_graph(writer, stop);
  };
  return content;
}

// The writer is held up for a snapshot before, and for one small synced batch after.
Status StoredIndex::write_checkpoint(const std::stop_token& stop) {
  if (shared_->checkpoints.folder.empty()) return ok_status();
  CheckpointContent content;
  std::uint64_t changes = 0;
  {
    const std::lock_guard writer(writer_mutex_);
    SEL_CHECK_OK(check_writable());
    content = checkpoint_content(stop);
    changes = changed_count_;
    logged_ = true;
  }
  auto written = folder_.write(content, stop);
  Status accepted =
      written.ok() ? accept_checkpoint(*written, changes) : Status(std::move(written.error()));
  if (accepted.ok()) return accepted;
  stop_log();
  const Code code = accepted.error().code;
  if (code == Code::cancelled || code == Code::index_not_found) return accepted;
  const auto pause = std::chrono::microseconds(shared_->checkpoints.retry_after);
  retry_at_us_ = shared_->steady_us() + pause.count();
  log::warn("index of serial {}: no checkpoint was written, the one before stays: {}", serial_,
            accepted.error().message);
  return accepted;
}

// Without a checkpoint that it begins at, the log is of no use.
void StoredIndex::stop_log() {
  const std::lock_guard writer(writer_mutex_);
  if (checkpoint_.generation != 0 || dropped_) return;
  logged_ = false;
  const std::vector<Database::Range> log = {
      {layout::log_key(serial_, 0), layout::log_end(serial_)}};
  // What stays behind is removed with the first checkpoint.
  [[maybe_unused]] const Status removed = shared_->database->remove(log, "");
}

Status StoredIndex::accept_checkpoint(const layout::Checkpoint& checkpoint, std::uint64_t changes) {
  {
    const std::lock_guard writer(writer_mutex_);
    SEL_CHECK_OK(check_writable());
    rocksdb::WriteBatch batch;
    auto put = batch.Put(layout::checkpoint_key(serial_), layout::encode_checkpoint(checkpoint));
    if (put.ok()) {
      put = batch.DeleteRange(layout::log_key(serial_, 0),
                              layout::log_key(serial_, checkpoint.mutation + 1));
    }
    if (!put.ok()) return Error{Code::internal, message(put.ToString())};
    SEL_CHECK_OK(shared_->database->commit(batch));
    changed_count_ -= changes;
    checkpoint_ = checkpoint;
  }
  linked_since_ -= linked_saved_;
  folder_.accept();
  return ok_status();
}

Status StoredIndex::check_values(const std::stop_token& stop) {
  for (; verified_spans_ < folder_.mapped_spans(); ++verified_spans_) {
    if (stop.stop_requested()) return Error{Code::cancelled, "the check was cancelled"};
    SEL_CHECK_OK(check_span(verified_spans_));
  }
  SEL_CHECK_OK(put_back_lost());
  folder_.spoil_lost();
  return ok_status();
}

Status StoredIndex::put_back_lost() const {
  const LossCount& losses = folder_.losses();
  if (losses.lost == losses.made_good) return ok_status();
  std::size_t count = 0;
  for (std::size_t span = 0; span < folder_.mapped_spans(); ++span) {
    for (const std::size_t at : folder_.lost_blocks(span)) {
      SEL_CHECK_OK(repair(folder_.block(span, at)));
      ++count;
    }
  }
  if (count != 0) {
    log::warn(
        "index of serial {}: the disk did not give {} blocks of derived values; they are read from "
        "the records",
        serial_, count);
  }
  return ok_status();
}

Status StoredIndex::check_span(std::size_t span) {
  if (folder_.spoiled(span)) return ok_status();
  const auto damaged = folder_.damaged_blocks(span);
  if (damaged.empty()) return ok_status();
  log::warn(
      "index of serial {}: {} blocks of derived values are damaged; they are read from the "
      "records",
      serial_, damaged.size());
  for (const std::size_t at : damaged) SEL_CHECK_OK(repair(folder_.block(span, at)));
  folder_.spoil(span);
  return ok_status();
}

// Of rows that were filled since the index was opened, too: a file that is cut takes pages along
// that were written to. Under the mutex the records are what the rows are.
Status StoredIndex::repair(const CheckpointFolder::Block& block) const {
  const std::lock_guard writer(writer_mutex_);
  const std::size_t row_bytes = ann::padded_dimensions(config_.dimensions) * sizeof(float);
  std::vector<std::string> keys;
  std::vector<Slot> slots;
  const std::size_t end = std::min<std::size_t>(block.end, rows_.slot_end());
  for (Slot slot = block.first; slot < end; ++slot) {
    const auto living = rows_.living(slot);
    if (!living) continue;
    keys.push_back(layout::record_key(serial_, living->id));
    slots.push_back(slot);
  }
  SEL_TRY(records, shared_->database->read(keys));
  std::string bytes(block.mapping->bytes().substr(block.offset, block.bytes));
  std::string row(row_bytes, '\0');
  for (std::size_t at = 0; at < slots.size(); ++at) {
    if (!records[at]) return Error{Code::corrupt_data, message("lacks the record of a vector")};
    SEL_TRY(record, layout::decode_record(*records[at], config_.dimensions));
    std::memcpy(row.data(), record.value_bytes.data(), record.value_bytes.size());
    // Of the row what lies in the block: its ends cut rows.
    const std::size_t begin = folder_.offset_of(slots[at]);
    const std::size_t from = std::max(begin, block.offset);
    const std::size_t to = std::min(begin + row_bytes, block.offset + block.bytes);
    std::memcpy(bytes.data() + (from - block.offset), row.data() + (from - begin), to - from);
  }
  return block.mapping->replace(block.offset, bytes);
}

}  // namespace selvedge::vectors
