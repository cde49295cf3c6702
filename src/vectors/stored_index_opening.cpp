// StoredIndex, opening: the checkpoint and what was written since, or all records.
#include <algorithm>
#include <unordered_set>
#include <utility>

#include <rocksdb/write_batch.h>

#include "base/log.h"
#include "vectors/checkpoint_rows.h"
#include "vectors/scan_ahead.h"
#include "vectors/stored_index.h"

namespace selvedge::vectors {
namespace {

// Records read at once while what was written since is taken in.
constexpr std::size_t kReplayedAtOnce = 1'000;
// Records read between two looks at whether to stop, and at the clock.
constexpr std::uint64_t kReadBetweenLooks = 1'000;
constexpr std::int64_t kBetweenReportsUs = 5'000'000;

bool same(const MetadataIndex& one, const MetadataIndex& other) {
  return one.property == other.property && one.type == other.type &&
         one.written_after == other.written_after;
}

Error gap() {
  return Error{Code::corrupt_data, "the mutations since the checkpoint are not all there"};
}

}  // namespace

Status StoredIndex::load(Opening& opening) {
  // Nobody else has the index yet, so nothing is locked here.
  SEL_TRY(stored, shared_->database->read({layout::state_key(serial_)}));
  if (!stored[0]) return Error{Code::corrupt_data, message("its state is missing")};
  SEL_TRY(state, layout::decode_state(*stored[0]));
  state_ = state;
  SEL_CHECK_OK(load_recall());
  SEL_TRY(restored, load_checkpoint());
  if (!restored) SEL_CHECK_OK(load_records(opening));
  publish(state, Delay::zero());
  return ok_status();
}

Status StoredIndex::load_properties() {
  SEL_TRY(stored, shared_->database->read({layout::properties_key(serial_)}));
  if (!stored[0]) return ok_status();
  SEL_TRY(indexes, layout::decode_properties(*stored[0]));
  properties_ = std::make_shared<const Properties>(std::move(indexes));
  return ok_status();
}

Status StoredIndex::load_records(Opening& opening) {
  opening.vector_count = state_.vector_count;
  SEL_CHECK_OK(load_properties());
  for (std::size_t at = 0; at < properties_->size(); ++at) {
    rows_.install_column(rows_.draft_column(properties_->indexes()[at].type), at);
  }
  const std::string prefix = layout::record_prefix(serial_);
  std::vector<float> values(config_.dimensions);
  std::vector<PropertyValue> properties;
  std::int64_t reported_us = shared_->steady_us();
  const auto look_around = [&]() -> Status {
    if (opening.stop.stop_requested()) return Error{Code::cancelled, message("is not opened")};
    if (shared_->steady_us() - reported_us < kBetweenReportsUs) return ok_status();
    reported_us = shared_->steady_us();
    log::info("index of serial {}: {} of {} records are read", serial_, opening.read_count.load(),
              state_.vector_count);
    return ok_status();
  };
  const auto take = [&](std::string_view key, std::string_view value) -> Result<bool> {
    if (opening.read_count++ % kReadBetweenLooks == 0) SEL_CHECK_OK(look_around());
    SEL_TRY(record, layout::decode_record(value, values.size()));
    layout::copy_values(record, values);
    properties_->read(shared_->reader, record.metadata, record.mutation, properties);
    rows_.put(key.substr(prefix.size()), values, record.partition, record.mutation, properties);
    return true;
  };
  SEL_CHECK_OK(scan_ahead(*shared_->database, prefix, layout::record_end(serial_), take));
  changed_count_ = rows_.size();
  if (rows_.size() == state_.vector_count) return ok_status();
  return Error{Code::corrupt_data,
               message("has " + std::to_string(rows_.size()) + " vectors, but " +
                       std::to_string(state_.vector_count) + " were acknowledged")};
}

Result<bool> StoredIndex::load_checkpoint() {
  SEL_TRY(stored, shared_->database->read({layout::checkpoint_key(serial_)}));
  if (!stored[0]) return false;
  Status restored = ok_status();
  if (const auto checkpoint = layout::decode_checkpoint(*stored[0]);
      !checkpoint.ok() || shared_->checkpoints.folder.empty()) {
    restored = Error{Code::not_found, "it is not wanted or has no name"};
  } else {
    restored = restore(*checkpoint);
  }
  if (restored.ok()) return true;
  log::warn("index of serial {}: the checkpoint is not used, all records are read: {}", serial_,
            restored.error().message);
  rows_ = Rows(config_.dimensions);
  near_.clear();
  properties_ = std::make_shared<const Properties>();
  checkpoint_ = {};
  changed_count_ = 0;
  logged_ = false;
  mapped_bytes_ = 0;
  SEL_CHECK_OK(forget_checkpoint());
  return false;
}

// The database forgets it first: files without a name there are never taken for anything.
Status StoredIndex::forget_checkpoint() {
  const std::vector<Database::Range> ranges = {
      {layout::log_key(serial_, 0), layout::log_end(serial_)}};
  SEL_CHECK_OK(shared_->database->remove(ranges, layout::checkpoint_key(serial_)));
  if (!shared_->checkpoints.folder.empty()) folder_.clear();
  return ok_status();
}

Status StoredIndex::restore(const layout::Checkpoint& checkpoint) {
  if (checkpoint.mutation > state_.mutation) return gap();
  SEL_TRY(file, folder_.open(checkpoint));
  SEL_TRY(stored, read_rows(*file, shared_->reader != nullptr));
  SEL_CHECK_OK(folder_.map_values());
  mapped_bytes_ = folder_.mapped_bytes();
  verified_spans_ = 0;
  restore_rows(*file, stored);
  SEL_CHECK_OK(load_properties());
  std::vector<std::size_t> missing;
  for (std::size_t at = 0; at < properties_->size(); ++at) {
    const MetadataIndex& index = properties_->indexes()[at];
    const auto known =
        std::find_if(stored.columns.begin(), stored.columns.end(),
                     [&index](const StoredColumn& each) { return same(each.index, index); });
    if (known == stored.columns.end()) {
      missing.push_back(at);
      rows_.install_column(rows_.draft_column(index.type), at);
    } else {
      rows_.install_column(restore_column(rows_, stored, *known), at);
    }
  }
  SEL_CHECK_OK(replay(checkpoint));
  if (rows_.size() != state_.vector_count) {
    return Error{Code::corrupt_data, "the checkpoint's vectors do not add up"};
  }
  SEL_CHECK_OK(fill_columns(missing));
  if (!file->whole()) return Error{Code::io, "the checkpoint could not be read from the disk"};
  checkpoint_ = checkpoint;
  logged_ = true;
  if (mapped_bytes_ <= shared_->checkpoints.verify_at_open_bytes_max) return check_values({});
  for (std::size_t span = 0; span < folder_.mapped_spans(); ++span) {
    if (folder_.missing(span)) SEL_CHECK_OK(check_span(span));
  }
  return ok_status();
}

Status StoredIndex::replay(const layout::Checkpoint& checkpoint) {
  MutationNumber next = checkpoint.mutation + 1;
  std::unordered_set<std::string> touched;
  SEL_CHECK_OK(
      shared_->database->scan(layout::log_key(serial_, next), layout::log_end(serial_), true,
                              [&](std::string_view key, std::string_view value) -> Result<bool> {
                                SEL_TRY(mutation, layout::log_mutation(key));
                                SEL_TRY(ids, layout::decode_touched(value));
                                if (mutation != next++) return gap();
                                for (const std::string_view id : ids) touched.emplace(id);
                                return true;
                              }));
  if (next != state_.mutation + 1) return gap();
  std::vector<std::string> ids(touched.begin(), touched.end());
  // In an order that does not depend on hashing.
  std::sort(ids.begin(), ids.end());
  changed_count_ = ids.size();
  for (std::size_t first = 0; first < ids.size(); first += kReplayedAtOnce) {
    SEL_CHECK_OK(
        replay(std::span(ids).subspan(first, std::min(kReplayedAtOnce, ids.size() - first))));
  }
  reconcile_graph();
  return ok_status();
}

Status StoredIndex::replay(std::span<const std::string> ids) {
  std::vector<std::string> keys;
  keys.reserve(ids.size());
  for (const std::string& id : ids) keys.push_back(layout::record_key(serial_, id));
  SEL_TRY(records, shared_->database->read(keys));
  std::vector<float> values(config_.dimensions);
  std::vector<PropertyValue> properties;
  for (std::size_t at = 0; at < ids.size(); ++at) {
    if (!records[at]) {
      rows_.erase(ids[at], state_.mutation);
      continue;
    }
    SEL_TRY(record, layout::decode_record(*records[at], values.size()));
    layout::copy_values(record, values);
    properties_->read(shared_->reader, record.metadata, record.mutation, properties);
    rows_.put(ids[at], values, record.partition, record.mutation, properties);
  }
  return ok_status();
}

Status StoredIndex::fill_columns(std::span<const std::size_t> missing) {
  for (const std::size_t at : missing) {
    const MetadataIndex& index = properties_->indexes()[at];
    Rows::Draft draft = rows_.draft_column(index.type);
    SEL_CHECK_OK(fill_column(index, draft));
    rows_.install_column(std::move(draft), at);
  }
  return ok_status();
}

}  // namespace selvedge::vectors
