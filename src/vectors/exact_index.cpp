// ExactIndex: writes go through the database to the rows, queries through a snapshot of them.
#include "vectors/exact_index.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <rocksdb/write_batch.h>

#include "vectors/scan.h"

namespace selvedge::vectors {
namespace {

// How often a query starts over because vectors it found were erased before it read their metadata.
constexpr int kAttemptsMax = 4;

std::int64_t now_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

bool all_finite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(),
                     [](float value) { return std::isfinite(value); });
}

std::span<const float> values_of(const VectorBatch& batch, std::size_t at) {
  return std::span(batch.values).subspan(at * batch.dimensions, batch.dimensions);
}

IndexStats stats_of(const layout::State& state) {
  return {state.vector_count, state.mutation, state.mutation_us};
}

}  // namespace

Result<std::shared_ptr<ExactIndex>> ExactIndex::open(std::shared_ptr<Database> database,
                                                     IndexDescription description) {
  auto index = std::make_shared<ExactIndex>(std::move(database), std::move(description));
  SEL_CHECK_OK(index->load());
  return index;
}

ExactIndex::ExactIndex(std::shared_ptr<Database> database, IndexDescription description)
    : database_(std::move(database)),
      description_(std::move(description)),
      rows_(description_.config.dimensions) {}

ExactIndex::~ExactIndex() {
  if (!dropped_) return;
  // Failure leaves the marker, and the next opening of the store does it again.
  const std::uint64_t serial = description_.serial;
  [[maybe_unused]] const Status removed = database_->remove_range(
      layout::record_prefix(serial), layout::record_end(serial), layout::leftover_key(serial));
}

Status ExactIndex::load() {
  const std::lock_guard writer(writer_mutex_);
  SEL_TRY(stored, database_->read({layout::state_key(description_.serial)}));
  if (!stored[0]) return Error{Code::corrupt_data, message("its state is missing")};
  SEL_TRY(state, layout::decode_state(*stored[0]));
  const std::string prefix = layout::record_prefix(description_.serial);
  std::vector<float> values(description_.config.dimensions);
  SEL_CHECK_OK(database_->scan(prefix, layout::record_end(description_.serial), true,
                               [&](std::string_view key, std::string_view value) -> Result<bool> {
                                 SEL_TRY(record, layout::decode_record(value, values.size()));
                                 layout::copy_values(record, values);
                                 rows_.put(key.substr(prefix.size()), values, record.partition,
                                           record.mutation);
                                 return true;
                               }));
  if (rows_.size() != state.vector_count) {
    return Error{Code::corrupt_data,
                 message("has " + std::to_string(rows_.size()) + " vectors, but " +
                         std::to_string(state.vector_count) + " were acknowledged")};
  }
  publish(state);
  return ok_status();
}

Result<MutationNumber> ExactIndex::insert(const VectorBatch& batch) {
  SEL_CHECK_OK(check_batch(batch));
  const std::lock_guard writer(writer_mutex_);
  SEL_CHECK_OK(check_writable());
  std::vector<std::size_t> chosen;
  std::unordered_set<std::string_view> seen;
  for (std::size_t at = 0; at < batch.ids.size(); ++at) {
    if (rows_.contains(batch.ids[at]) || !seen.insert(batch.ids[at]).second) continue;
    chosen.push_back(at);
  }
  return write(batch, chosen, chosen.size());
}

Result<MutationNumber> ExactIndex::upsert(const VectorBatch& batch) {
  SEL_CHECK_OK(check_batch(batch));
  const std::lock_guard writer(writer_mutex_);
  SEL_CHECK_OK(check_writable());
  std::unordered_map<std::string_view, std::size_t> last;
  for (std::size_t at = 0; at < batch.ids.size(); ++at) last[batch.ids[at]] = at;
  std::vector<std::size_t> chosen;
  std::size_t added = 0;
  for (std::size_t at = 0; at < batch.ids.size(); ++at) {
    if (last[batch.ids[at]] != at) continue;
    chosen.push_back(at);
    if (!rows_.contains(batch.ids[at])) ++added;
  }
  return write(batch, chosen, added);
}

Result<MutationNumber> ExactIndex::write(const VectorBatch& batch,
                                         std::span<const std::size_t> chosen, std::size_t added) {
  const layout::State next{state_.mutation + 1, now_us(), state_.vector_count + added};
  rocksdb::WriteBatch changes;
  std::string record;
  for (const std::size_t at : chosen) {
    layout::encode_record(next.mutation, batch.partitions[at], batch.metadata[at],
                          values_of(batch, at), record);
    const auto put = changes.Put(layout::record_key(description_.serial, batch.ids[at]), record);
    if (!put.ok()) return Error{Code::internal, message(put.ToString())};
  }
  SEL_CHECK_OK(commit(changes, next));  // Durable ...
  for (const std::size_t at : chosen) {
    rows_.put(batch.ids[at], values_of(batch, at), batch.partitions[at], next.mutation);
  }
  rows_.compact();
  publish(next);  // ... then seen by every query that starts from here on.
  return next.mutation;
}

Result<MutationNumber> ExactIndex::erase(std::span<const std::string> ids) {
  const std::lock_guard writer(writer_mutex_);
  SEL_CHECK_OK(check_writable());
  std::unordered_set<std::string_view> known;
  for (const std::string& id : ids) {
    if (rows_.contains(id)) known.insert(id);
  }
  const layout::State next{state_.mutation + 1, now_us(), state_.vector_count - known.size()};
  rocksdb::WriteBatch changes;
  for (const std::string_view id : known) {
    const auto removed = changes.Delete(layout::record_key(description_.serial, id));
    if (!removed.ok()) return Error{Code::internal, message(removed.ToString())};
  }
  SEL_CHECK_OK(commit(changes, next));
  for (const std::string_view id : known) rows_.erase(id, next.mutation);
  rows_.compact();
  publish(next);
  return next.mutation;
}

Status ExactIndex::commit(rocksdb::WriteBatch& changes, const layout::State& next) {
  const auto put = changes.Put(layout::state_key(description_.serial), layout::encode_state(next));
  if (!put.ok()) return Error{Code::internal, message(put.ToString())};
  Status committed = database_->commit(changes);
  // Whether the batch is on disk is unknown now, so nothing may be built upon it.
  if (!committed.ok()) failure_ = committed.error().message;
  return committed;
}

Status ExactIndex::check_writable() const {
  if (dropped_) {
    return Error{Code::index_not_found, message("was deleted")};
  }
  if (!failure_.empty()) {
    return Error{Code::io, message("is read-only until the server is restarted, because a write "
                                   "failed: " +
                                   failure_)};
  }
  return ok_status();
}

Status ExactIndex::check_batch(const VectorBatch& batch) const {
  const std::size_t count = batch.ids.size();
  SEL_CHECK(batch.values.size() == count * batch.dimensions);
  SEL_CHECK(batch.partitions.size() == count && batch.metadata.size() == count);
  const std::size_t expected = description_.config.dimensions;
  if (count > 0 && batch.dimensions != expected) {
    return Error{Code::dimension_mismatch, "invalid vector for id=\"" + batch.ids[0] +
                                               "\", expected " + std::to_string(expected) +
                                               " dimensions, and got " +
                                               std::to_string(batch.dimensions) + " dimensions"};
  }
  for (std::size_t at = 0; at < count; ++at) {
    const std::string& id = batch.ids[at];
    if (id.empty()) return Error{Code::id_invalid, "a vector has an empty id"};
    if (id.size() > limits::id_bytes_max) {
      return Error{Code::id_invalid, "id too long; max is " + std::to_string(limits::id_bytes_max) +
                                         " bytes, got " + std::to_string(id.size()) + " bytes"};
    }
    const auto& partition = batch.partitions[at];
    if (partition && partition->size() > limits::namespace_bytes_max) {
      return Error{Code::id_invalid, "namespace too long for id=\"" + id + "\"; max is " +
                                         std::to_string(limits::namespace_bytes_max) + " bytes"};
    }
    if (!all_finite(values_of(batch, at))) {
      return Error{Code::vectors_unparsable,
                   "invalid vector for id=\"" + id + "\": a value is not a finite float32 number"};
    }
  }
  return ok_status();
}

void ExactIndex::publish(const layout::State& state) {
  state_ = state;
  auto next = rows_.snapshot(stats_of(state));
  const std::lock_guard pointer(snapshot_mutex_);
  // Swapped, so that freeing chunks of the old one happens after the unlock.
  snapshot_.swap(next);
}

std::shared_ptr<const Snapshot> ExactIndex::snapshot() const {
  const std::lock_guard pointer(snapshot_mutex_);
  return snapshot_;
}

IndexStats ExactIndex::stats() const { return snapshot()->stats; }

void ExactIndex::set_dropped(bool dropped) {
  const std::lock_guard writer(writer_mutex_);
  dropped_ = dropped;
}

Result<std::vector<StoredVector>> ExactIndex::get(std::span<const std::string> ids) const {
  std::vector<std::string> keys;
  keys.reserve(ids.size());
  for (const std::string& id : ids) keys.push_back(layout::record_key(description_.serial, id));
  SEL_TRY(stored, database_->read(keys));
  std::vector<StoredVector> vectors;
  for (std::size_t at = 0; at < ids.size(); ++at) {
    if (!stored[at]) continue;
    SEL_TRY(record, layout::decode_record(*stored[at], description_.config.dimensions));
    StoredVector vector{ids[at], std::nullopt, std::string(record.metadata), {}};
    if (record.partition) vector.partition = *record.partition;
    vector.values.resize(description_.config.dimensions);
    layout::copy_values(record, vector.values);
    vectors.push_back(std::move(vector));
  }
  return vectors;
}

Result<std::vector<Match>> ExactIndex::query(std::span<const float> vector,
                                             const QueryOptions& options) const {
  const std::size_t expected = description_.config.dimensions;
  if (vector.size() != expected) {
    return Error{Code::query_dimension_mismatch,
                 "invalid query vector, expected " + std::to_string(expected) +
                     " dimensions, and got " + std::to_string(vector.size()) + " dimensions"};
  }
  if (!all_finite(vector)) {
    return Error{Code::query_invalid,
                 "invalid query vector: a value is not a finite float32 number"};
  }
  const PreparedQuery prepared(description_.config.metric, vector);
  std::size_t spare = 0;  // For vectors that vanish between the scan and the reading of metadata.
  for (int attempt = 1;; ++attempt) {
    const auto seen = snapshot();
    std::optional<PartitionNumber> partition;
    if (options.partition) {
      const auto known = seen->partitions->numbers.find(*options.partition);
      if (known == seen->partitions->numbers.end()) return std::vector<Match>{};
      partition = known->second;
    }
    const auto found = scan(*seen, prepared, options.top_k + spare, partition);
    SEL_TRY(matched, matches(*seen, prepared, found, options));
    const std::size_t vanished = found.size() - matched.size();
    if (matched.size() >= options.top_k || vanished == 0 || attempt == kAttemptsMax) {
      if (matched.size() > options.top_k) matched.resize(options.top_k);
      return matched;
    }
    spare += vanished;
  }
}

// The records are read after the snapshot was taken, so one may have been erased since: it is left
// out. One may have been replaced: the match is then the new vector, scored anew, so that score,
// metadata and values always belong together.
Result<std::vector<Match>> ExactIndex::matches(const Snapshot& snapshot, const PreparedQuery& query,
                                               std::span<const Candidate> found,
                                               const QueryOptions& options) const {
  std::vector<std::optional<std::string>> stored(found.size());
  if (options.with_metadata) {
    std::vector<std::string> keys;
    keys.reserve(found.size());
    for (const Candidate& candidate : found) {
      keys.push_back(layout::record_key(description_.serial, candidate.id()));
    }
    SEL_TRY(read, database_->read(keys));
    stored = std::move(read);
  }
  struct Keyed {
    float key;
    Match match;
  };
  std::vector<Keyed> kept;
  bool rescored = false;
  for (std::size_t at = 0; at < found.size(); ++at) {
    const Candidate& candidate = found[at];
    const auto values = candidate.chunk->values(candidate.row, query.dimensions());
    Match match{std::string(candidate.id()),
                0,
                snapshot.partition_name(candidate.chunk->partition(candidate.row)),
                {},
                {}};
    float key = candidate.key;
    if (options.with_metadata) {
      if (!stored[at]) continue;
      SEL_TRY(record, layout::decode_record(*stored[at], query.dimensions()));
      match.metadata = record.metadata;
      if (record.mutation != candidate.chunk->mutation(candidate.row)) {
        match.values.resize(query.dimensions());
        layout::copy_values(record, match.values);
        match.partition.reset();
        if (record.partition) match.partition = *record.partition;
        if (options.partition && match.partition != options.partition) continue;
        key = query.key(match.values);
        rescored = true;
      }
    }
    if (!options.with_values) {
      match.values = {};
    } else if (match.values.empty()) {
      match.values.assign(values.begin(), values.end());
    }
    kept.push_back({key, std::move(match)});
  }
  if (rescored) {
    std::sort(kept.begin(), kept.end(), [](const Keyed& a, const Keyed& b) {
      return a.key != b.key ? a.key < b.key : a.match.id < b.match.id;
    });
  }
  std::vector<Match> matched;
  matched.reserve(kept.size());
  for (Keyed& each : kept) {
    each.match.score = query.score(each.key);
    matched.push_back(std::move(each.match));
  }
  return matched;
}

Result<IdPage> ExactIndex::list(std::string_view after, std::size_t count) const {
  IdPage page;
  page.total_count = stats().vector_count;
  const std::string prefix = layout::record_prefix(description_.serial);
  std::string begin = layout::record_key(description_.serial, after);
  if (!after.empty()) begin.push_back('\0');  // The first key after that of `after`.
  SEL_CHECK_OK(database_->scan(begin, layout::record_end(description_.serial), false,
                               [&](std::string_view key, std::string_view) -> Result<bool> {
                                 if (page.ids.size() == count) {
                                   page.truncated = true;
                                   return false;
                                 }
                                 page.ids.emplace_back(key.substr(prefix.size()));
                                 return true;
                               }));
  return page;
}

std::string ExactIndex::message(std::string_view what) const {
  return "index \"" + description_.name + "\" " + std::string(what);
}

}  // namespace selvedge::vectors
