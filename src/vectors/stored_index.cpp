// StoredIndex: writes go through the database to the rows, queries through a snapshot of them.
#include "vectors/stored_index.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <rocksdb/write_batch.h>

#include "base/clock.h"
#include "vectors/compiled_filter.h"
#include "vectors/delayed_index.h"
#include "vectors/property_value.h"
#include "vectors/scan.h"
#include "vectors/scan_ahead.h"

namespace selvedge::vectors {
namespace {

// How often a query starts over because vectors it found were erased before it read their metadata.
constexpr int kAttemptsMax = 4;

// Without a branch a value, so that it runs many at a time.
bool all_finite(std::span<const float> values) {
  constexpr std::uint32_t kExponent = 0x7F800000;
  std::uint32_t wrong = 0;
  for (const float value : values) {
    wrong |= (std::bit_cast<std::uint32_t>(value) & kExponent) == kExponent ? 1U : 0U;
  }
  return wrong == 0;
}

std::span<const float> values_of(const VectorBatch& batch, std::size_t at) {
  return std::span(batch.values).subspan(at * batch.dimensions, batch.dimensions);
}

// About what the records of these vectors take.
std::size_t batch_bytes(const VectorBatch& batch, std::span<const std::size_t> chosen) {
  constexpr std::size_t kOverheadBytes = 64;  // Of a key and a record, and the state's share.
  std::size_t bytes = kOverheadBytes;
  for (const std::size_t at : chosen) {
    bytes += kOverheadBytes + 2 * limits::id_bytes_max + batch.metadata[at].size() +
             batch.dimensions * sizeof(float);
  }
  return bytes;
}

}  // namespace

Result<std::shared_ptr<StoredIndex>> StoredIndex::open(std::shared_ptr<Shared> shared,
                                                       IndexDescription description,
                                                       Opening& opening) {
  auto index = std::make_shared<StoredIndex>(std::move(shared), std::move(description));
  SEL_CHECK_OK(index->load(opening));
  return index;
}

StoredIndex::StoredIndex(std::shared_ptr<Shared> shared, IndexDescription description)
    : shared_(std::move(shared)),
      serial_(description.serial),
      config_(description.config),
      description_(nullptr),
      rows_(config_.dimensions),
      folder_(shared_->checkpoints.folder / std::to_string(serial_), serial_, config_),
      near_(config_, shared_->near_rules),
      published_(shared_->steady_us) {
  set_description(std::move(description));
}

StoredIndex::~StoredIndex() {
  if (!dropped_) return;
  shared_->listings.end(serial_);
  // Failure leaves the marker, and the next opening of the store does it again.
  [[maybe_unused]] const Status removed =
      shared_->database->remove(layout::ranges(serial_), layout::leftover_key(serial_));
  if (!shared_->checkpoints.folder.empty()) folder_.clear();
}

Result<MutationNumber> StoredIndex::insert(const VectorBatch& batch, Delay delay) {
  SEL_CHECK_OK(check_batch(batch));
  pace_.wait(batch.ids.size());
  const std::lock_guard writer(writer_mutex_);
  SEL_CHECK_OK(check_writable());
  std::vector<std::size_t> chosen;
  std::unordered_set<std::string_view> seen;
  for (std::size_t at = 0; at < batch.ids.size(); ++at) {
    if (rows_.contains(batch.ids[at]) || !seen.insert(batch.ids[at]).second) continue;
    chosen.push_back(at);
  }
  return write(batch, chosen, chosen.size(), delay);
}

Result<MutationNumber> StoredIndex::upsert(const VectorBatch& batch, Delay delay) {
  SEL_CHECK_OK(check_batch(batch));
  pace_.wait(batch.ids.size());
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
  return write(batch, chosen, added, delay);
}

Result<MutationNumber> StoredIndex::write(const VectorBatch& batch,
                                          std::span<const std::size_t> chosen, std::size_t added,
                                          Delay delay) {
  const layout::State next{state_.mutation + 1, now_us(), state_.vector_count + added};
  rocksdb::WriteBatch changes(batch_bytes(batch, chosen));
  std::string record;
  std::vector<std::string_view> touched;
  touched.reserve(chosen.size());
  for (const std::size_t at : chosen) {
    touched.push_back(batch.ids[at]);
    layout::encode_record(next.mutation, batch.partitions[at], batch.metadata[at],
                          values_of(batch, at), record);
    const auto put = changes.Put(layout::record_key(serial_, batch.ids[at]), record);
    if (!put.ok()) return Error{Code::internal, message(put.ToString())};
  }
  SEL_CHECK_OK(commit(changes, next, touched, delay));  // Durable ...
  std::vector<PropertyValue> properties;
  std::vector<Slot> slots;
  slots.reserve(chosen.size());
  for (const std::size_t at : chosen) {
    properties_->read(shared_->reader, batch.metadata[at], next.mutation, properties);
    slots.push_back(rows_.put(batch.ids[at], values_of(batch, at), batch.partitions[at],
                              next.mutation, properties));
  }
  if (rows_.recent_noted()) encode_recent(batch, chosen, slots);
  free_dead();
  publish(next, delay);  // ... then seen by every query that starts from here on.
  return next.mutation;
}

Result<MutationNumber> StoredIndex::erase(std::span<const std::string> ids, Delay delay) {
  const std::lock_guard writer(writer_mutex_);
  SEL_CHECK_OK(check_writable());
  std::unordered_set<std::string_view> known;
  for (const std::string& id : ids) {
    if (rows_.contains(id)) known.insert(id);
  }
  const layout::State next{state_.mutation + 1, now_us(), state_.vector_count - known.size()};
  rocksdb::WriteBatch changes;
  for (const std::string_view id : known) {
    const auto removed = changes.Delete(layout::record_key(serial_, id));
    if (!removed.ok()) return Error{Code::internal, message(removed.ToString())};
  }
  const std::vector<std::string_view> touched(known.begin(), known.end());
  SEL_CHECK_OK(commit(changes, next, touched, delay));
  for (const std::string_view id : known) rows_.erase(id, next.mutation);
  free_dead();
  publish(next, delay);
  return next.mutation;
}

Status StoredIndex::commit(rocksdb::WriteBatch& changes, const layout::State& next,
                           std::span<const std::string_view> touched, Delay delay) {
  if (published_.is_late(delay) && published_.needs_records()) {
    published_.set_records(shared_->database->current_view());
  }
  const auto put = changes.Put(layout::state_key(serial_), layout::encode_state(next));
  if (!put.ok()) return Error{Code::internal, message(put.ToString())};
  if (logged_) {
    const auto noted =
        changes.Put(layout::log_key(serial_, next.mutation), layout::encode_touched(touched));
    if (!noted.ok()) return Error{Code::internal, message(noted.ToString())};
  }
  Status committed = shared_->database->commit(changes);
  // Whether the batch is on disk is unknown now, so nothing may be built upon it.
  if (!committed.ok()) failure_ = committed.error().message;
  changed_count_ += touched.size();
  return committed;
}

Status StoredIndex::check_writable() const {
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

Status StoredIndex::check_batch(const VectorBatch& batch) const {
  const std::size_t count = batch.ids.size();
  SEL_CHECK(batch.values.size() == count * batch.dimensions);
  SEL_CHECK(batch.partitions.size() == count && batch.metadata.size() == count);
  const std::size_t expected = config_.dimensions;
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

void StoredIndex::encode_recent(const VectorBatch& batch, std::span<const std::size_t> chosen,
                                std::span<const Slot> slots) {
  const auto view = near_.view();
  if (view == nullptr) return;
  if (recent_codes_.codes != view->codes) {
    const std::uint64_t first = rows_.recent().end() - slots.size();
    recent_codes_ = {view->codes, first, first};
  }
  ann::Quantizer::Scratch scratch;
  std::vector<float> space;
  for (std::size_t at = 0; at < slots.size(); ++at) {
    const auto values = values_of(batch, chosen[at]);
    if (near_.encode(*view->codes, values, slots[at], scratch, space)) continue;
    recent_codes_.from = rows_.recent().end();  // Who has none is before those who have.
  }
}

std::shared_ptr<const Snapshot> StoredIndex::snapshot_rows() {
  return rows_.snapshot({state_.vector_count, state_.mutation, state_.mutation_us}, properties_,
                        recent_codes_);
}

void StoredIndex::publish(const layout::State& state, Delay delay) {
  state_ = state;
  shared_->listings.expire();
  Published::State next{snapshot_rows(), nullptr};
  // With a delay for all writes a reader never begins with records that the next write changes.
  if (shared_->write_delay.count() > 0) next.records = shared_->database->current_view();
  pace_.note(next.snapshot->recent.size(), 0);
  published_.publish(std::move(next), delay);
  want_links();
}

std::shared_ptr<Index> StoredIndex::delayed(std::chrono::microseconds delay) {
  return std::make_shared<DelayedIndex>(shared_from_this(), delay);
}

void StoredIndex::set_description(IndexDescription description) {
  const std::lock_guard lock(descriptions_mutex_);
  descriptions_.push_back(std::make_unique<const IndexDescription>(std::move(description)));
  description_ = descriptions_.back().get();
}

IndexStats StoredIndex::stats() const { return published_.current().snapshot->stats; }

Internals StoredIndex::internals() const {
  const auto seen = published_.current().snapshot;
  Internals internals;
  internals.recent_count = seen->recent.size();
  internals.dead_count = seen->slot_end - seen->stats.vector_count;
  internals.mapped_bytes = mapped_bytes_;
  internals.values_bytes =
      seen->slot_end * ann::padded_dimensions(config_.dimensions) * sizeof(float);
  internals.values_bytes -= std::min(internals.values_bytes, internals.mapped_bytes);
  internals.other_bytes = seen->other_bytes();
  if (const auto known = lists(); known != nullptr) internals.other_bytes += known->bytes();
  if (const auto view = near_.view(); view != nullptr) {
    internals.linked_count = view->graph->linked_count();
    internals.codes_bytes = view->codes_bytes();
    internals.graph_bytes = view->graph_bytes();
  }
  return internals;
}

std::size_t StoredIndex::partitions_with(std::span<const std::optional<std::string>> added,
                                         std::size_t most) const {
  const auto seen = published_.current().snapshot;
  const Partitions& partitions = *seen->partitions;
  std::unordered_set<std::string_view> fresh;
  std::unordered_set<PartitionNumber> used;
  for (const auto& partition : added) {
    if (!partition) continue;
    const auto known = partitions.numbers.find(*partition);
    if (known == partitions.numbers.end()) {
      fresh.insert(*partition);
    } else {
      used.insert(known->second);
    }
  }
  const std::size_t named = partitions.names.size() - 1 + fresh.size();
  if (named <= most) return named;
  // A name stays known when the last vector of its partition has gone.
  for (std::size_t at = 0; at < seen->chunks->size(); ++at) {
    const Chunk& chunk = *(*seen->chunks)[at].chunk;
    for (std::size_t row = 0; row < seen->rows_in(at); ++row) {
      const PartitionNumber number = chunk.partition(row);
      if (number != 0 && chunk.visible(row, seen->stats.mutation)) used.insert(number);
    }
  }
  return used.size() + fresh.size();
}

void StoredIndex::set_dropped(bool dropped) {
  const std::lock_guard writer(writer_mutex_);
  dropped_ = dropped;
}

Result<std::vector<StoredVector>> StoredIndex::get(std::span<const std::string> ids) const {
  std::vector<std::string> keys;
  keys.reserve(ids.size());
  for (const std::string& id : ids) keys.push_back(layout::record_key(serial_, id));
  const Published::State seen = published_.current();
  SEL_TRY(stored, shared_->database->read(keys, seen.records.get()));
  std::vector<StoredVector> vectors;
  for (std::size_t at = 0; at < ids.size(); ++at) {
    if (!stored[at]) continue;
    SEL_TRY(record, layout::decode_record(*stored[at], config_.dimensions));
    StoredVector vector{ids[at], std::nullopt, std::string(record.metadata), {}};
    if (record.partition) vector.partition = *record.partition;
    vector.values.resize(config_.dimensions);
    layout::copy_values(record, vector.values);
    vectors.push_back(std::move(vector));
  }
  return vectors;
}

Result<std::vector<Match>> StoredIndex::query(std::span<const float> vector,
                                              const QueryOptions& options) const {
  const std::size_t expected = config_.dimensions;
  if (vector.size() != expected) {
    return Error{Code::query_dimension_mismatch,
                 "invalid query vector, expected " + std::to_string(expected) +
                     " dimensions, and got " + std::to_string(vector.size()) + " dimensions"};
  }
  const PreparedQuery prepared(config_.metric, vector);
  if (!prepared.finite()) {
    return Error{Code::query_invalid,
                 "invalid query vector: a value is not a finite float32 number"};
  }
  for (;;) {
    const std::uint64_t made_good = folder_.losses().made_good;
    SEL_TRY(found, search(prepared, options));
    // Else zeros may have been taken for values.
    if (folder_.losses().lost == made_good) return found;
    SEL_CHECK_OK(put_back_lost());
  }
}

Result<std::vector<Match>> StoredIndex::search(const PreparedQuery& prepared,
                                               const QueryOptions& options) const {
  std::size_t spare = 0;  // For vectors that vanish between the scan and the reading of metadata.
  for (int attempt = 1;; ++attempt) {
    const Published::State seen = published_.current();
    const Snapshot& snapshot = *seen.snapshot;
    std::optional<PartitionNumber> partition;
    if (options.partition) {
      const auto known = snapshot.partitions->numbers.find(*options.partition);
      if (known == snapshot.partitions->numbers.end()) return std::vector<Match>{};
      partition = known->second;
    }
    std::optional<CompiledFilter> filter;
    if (options.filter) filter.emplace(*options.filter, *snapshot.properties);
    const CompiledFilter* compiled = filter ? &*filter : nullptr;
    const auto found =
        nearest(snapshot, prepared, options.top_k + spare, {partition, compiled}, options.recall);
    SEL_TRY(matched, matches(seen, prepared, compiled, found, options));
    const std::size_t vanished = found.size() - matched.size();
    if (matched.size() >= options.top_k || vanished == 0 || attempt == kAttemptsMax) {
      if (matched.size() > options.top_k) matched.resize(options.top_k);
      return matched;
    }
    spare += vanished;
  }
}

namespace {

struct Keyed {
  float key;
  Match match;
};

void add_indexed(const Properties& properties, std::span<const PropertyValue> values,
                 Match& match) {
  match.indexed.clear();
  for (std::size_t at = 0; at < values.size(); ++at) {
    // Of what an array holds, filters alone know.
    if (std::holds_alternative<std::monostate>(values[at])) continue;
    if (std::holds_alternative<PropertyElements>(values[at])) continue;
    match.indexed.emplace_back(properties.indexes()[at].property, values[at]);
  }
}

// The match of a row as the snapshot shows it.
Keyed match_of(const Snapshot& snapshot, const Candidate& candidate, std::size_t dimensions,
               const QueryOptions& options) {
  const Chunk& chunk = candidate.chunk();
  Keyed made{candidate.key, {}};
  made.match.id = candidate.id();
  made.match.partition = snapshot.partition_name(chunk.partition(candidate.row()));
  if (options.with_values) {
    const auto values = chunk.values(candidate.row(), dimensions);
    made.match.values.assign(values.begin(), values.end());
  }
  if (options.with_indexed) {
    std::vector<PropertyValue> values;
    for (const auto& column : candidate.place.indexed->columns) {
      values.push_back(column->value(candidate.row()));
    }
    add_indexed(*snapshot.properties, values, made.match);
  }
  return made;
}

}  // namespace

// Brings the match of a vector that was replaced since to what the record says. False: the query
// does not ask for the new one.
bool StoredIndex::renew(const Snapshot& snapshot, const PreparedQuery& query,
                        const layout::Record& record, const CompiledFilter* filter,
                        const QueryOptions& options, float& key, Match& match) const {
  std::optional<std::string> partition;
  if (record.partition) partition = *record.partition;
  if (options.partition && partition != options.partition) return false;
  std::vector<PropertyValue> properties;
  snapshot.properties->read(shared_->reader, record.metadata, record.mutation, properties);
  if (filter != nullptr && !filter->matches(properties)) return false;
  match.partition = std::move(partition);
  if (options.with_indexed) add_indexed(*snapshot.properties, properties, match);
  std::vector<float> values(query.dimensions());
  layout::copy_values(record, values);
  key = query.key(values);
  if (options.with_values) match.values = std::move(values);
  return true;
}

// The records are read after the snapshot was taken, so one may have been erased since: it is left
// out. One may have been replaced: the match is then the new vector, scored anew, so that score,
// metadata and values always belong together.
Result<std::vector<Match>> StoredIndex::matches(const Published::State& seen,
                                                const PreparedQuery& query,
                                                const CompiledFilter* filter,
                                                std::span<const Candidate> found,
                                                const QueryOptions& options) const {
  const Snapshot& snapshot = *seen.snapshot;
  std::vector<std::optional<std::string>> stored;
  if (options.with_metadata) {
    std::vector<std::string> keys;
    keys.reserve(found.size());
    for (const Candidate& each : found) keys.push_back(layout::record_key(serial_, each.id()));
    SEL_TRY(read, shared_->database->read(keys, seen.records.get()));
    stored = std::move(read);
  }
  std::vector<Keyed> kept;
  kept.reserve(found.size());
  bool renewed = false;
  for (std::size_t at = 0; at < found.size(); ++at) {
    if (options.with_metadata && !stored[at]) continue;
    Keyed made = match_of(snapshot, found[at], query.dimensions(), options);
    if (options.with_metadata) {
      SEL_TRY(record, layout::decode_record(*stored[at], query.dimensions()));
      made.match.metadata = record.metadata;
      if (record.mutation != found[at].chunk().born(found[at].row())) {
        if (!renew(snapshot, query, record, filter, options, made.key, made.match)) continue;
        renewed = true;
      }
    }
    kept.push_back(std::move(made));
  }
  if (renewed) {
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

Result<IdPage> StoredIndex::list(std::string_view after, std::size_t count) const {
  const Published::State seen = published_.current();
  return list(after, count, seen.records.get(), seen.snapshot->stats.vector_count);
}

Result<IdPage> StoredIndex::list(std::string_view after, std::size_t count,
                                 const Database::View* view, std::uint64_t total_count) const {
  IdPage page;
  page.total_count = total_count;
  const std::string prefix = layout::record_prefix(serial_);
  std::string begin = layout::record_key(serial_, after);
  if (!after.empty()) begin.push_back('\0');  // The first key after that of `after`.
  const auto visit = [&](std::string_view key, std::string_view) -> Result<bool> {
    if (page.ids.size() == count) {
      page.truncated = true;
      return false;
    }
    page.ids.emplace_back(key.substr(prefix.size()));
    return true;
  };
  SEL_CHECK_OK(shared_->database->scan(begin, layout::record_end(serial_), false, visit, view));
  return page;
}

Result<ListPage> StoredIndex::list_page(std::size_t count, std::string_view cursor) const {
  Cursor at;
  Listings::Listing listing;
  if (cursor.empty()) {
    const Published::State seen = published_.current();
    auto view = seen.records ? seen.records : shared_->database->current_view();
    SEL_TRY(stored, shared_->database->read({layout::state_key(serial_)}, view.get()));
    // A dropped index has no state any more; whoever holds it still lists what it holds.
    std::uint64_t total_count = seen.snapshot->stats.vector_count;
    if (stored[0]) {
      SEL_TRY(state, layout::decode_state(*stored[0]));
      total_count = state.vector_count;
    }
    listing = shared_->listings.begin(serial_, std::move(view), total_count);
  } else {
    SEL_TRY(decoded, decode_cursor(cursor));
    SEL_TRY(known, shared_->listings.find(decoded.listing, serial_));
    at = std::move(decoded);
    listing = std::move(known);
  }
  SEL_TRY(ids, list(at.after, count, listing.view.get(), listing.total_count));
  ListPage page{std::move(ids.ids), listing.total_count, {}, listing.expires_us};
  if (ids.truncated && !page.ids.empty()) {
    if (at.listing.empty()) at.listing = shared_->listings.keep(listing);
    page.next_cursor = encode_cursor({at.listing, page.ids.back()});
  }
  return page;
}

Result<MutationNumber> StoredIndex::create_metadata_index(std::string_view property,
                                                          PropertyType type, bool with_written,
                                                          std::size_t count_max, Delay delay) {
  const std::lock_guard writer(writer_mutex_);
  SEL_CHECK_OK(check_writable());
  std::vector<MetadataIndex> next = properties_->indexes();
  const std::size_t at = properties_->find(property).value_or(next.size());
  if (at == next.size()) {
    if (at >= count_max) {
      return Error{Code::too_many_metadata_indexes,
                   message("has " + std::to_string(at) + " metadata indexes, which is the limit")};
    }
    next.emplace_back();
  } else if (next[at].type == type && (!with_written || next[at].written_after == 0)) {
    return change_properties(Properties(std::move(next)), at, std::nullopt, delay);
  }
  next[at] = {std::string(property), type, with_written ? 0 : state_.mutation + 1};
  Rows::Draft draft = rows_.draft_column(type);
  if (with_written) SEL_CHECK_OK(fill_column(next[at], draft));
  return change_properties(Properties(std::move(next)), at, std::move(draft), delay);
}

Result<MutationNumber> StoredIndex::delete_metadata_index(std::string_view property, Delay delay) {
  const std::lock_guard writer(writer_mutex_);
  SEL_CHECK_OK(check_writable());
  const auto at = properties_->find(property);
  if (!at) {
    return Error{Code::metadata_index_not_found, message("has no metadata index on this property")};
  }
  std::vector<MetadataIndex> next = properties_->indexes();
  next.erase(next.begin() + static_cast<std::ptrdiff_t>(*at));
  return change_properties(Properties(std::move(next)), *at, std::nullopt, delay);
}

Result<MutationNumber> StoredIndex::change_properties(Properties next, std::size_t at,
                                                      std::optional<Rows::Draft> draft,
                                                      Delay delay) {
  const layout::State state{state_.mutation + 1, now_us(), state_.vector_count};
  rocksdb::WriteBatch changes;
  const auto put =
      changes.Put(layout::properties_key(serial_), layout::encode_properties(next.indexes()));
  if (!put.ok()) return Error{Code::internal, message(put.ToString())};
  SEL_CHECK_OK(commit(changes, state, {}, delay));
  // Counts as one change, so that what is saved has the columns, too.
  ++changed_count_;
  if (draft) rows_.install_column(std::move(*draft), at);
  if (next.size() < properties_->size()) rows_.remove_column(at);
  properties_ = std::make_shared<const Properties>(std::move(next));
  publish(state, delay);
  return state.mutation;
}

Status StoredIndex::fill_column(const MetadataIndex& index, const Rows::Draft& draft) const {
  const Properties alone({index});
  const std::string prefix = layout::record_prefix(serial_);
  std::vector<PropertyValue> values;
  return scan_ahead(*shared_->database, prefix, layout::record_end(serial_),
                    [&](std::string_view key, std::string_view value) -> Result<bool> {
                      SEL_TRY(record, layout::decode_record(value, config_.dimensions));
                      alone.read(shared_->reader, record.metadata, record.mutation, values);
                      rows_.set_drafted(draft, key.substr(prefix.size()), values[0]);
                      return true;
                    });
}

std::vector<MetadataIndex> StoredIndex::metadata_indexes() const {
  return published_.current().snapshot->properties->indexes();
}

std::string StoredIndex::message(std::string_view what) const {
  return "index \"" + description().name + "\" " + std::string(what);
}

}  // namespace selvedge::vectors
