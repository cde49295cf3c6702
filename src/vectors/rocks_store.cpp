// RocksStore: definitions in a map, each index opened when it is first asked for.
#include "vectors/rocks_store.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <optional>
#include <set>
#include <system_error>

#include <rocksdb/write_batch.h>

#include "base/clock.h"
#include "vectors/layout.h"

namespace selvedge::vectors {
namespace {

// An opening that failed counts so long; one that took longer was slow.
constexpr std::int64_t kFailureKeptUs = 2'000'000;

std::int64_t steady_us() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

// What begins with `prefix`, one byte, ends before the next byte.
std::string prefix_end(std::string prefix) {
  ++prefix.back();
  return prefix;
}

Status check_name(std::string_view name) {
  if (name.empty() || name.size() > limits::index_name_bytes_max) {
    return Error{Code::index_config_invalid, "an index name must have 1 to " +
                                                 std::to_string(limits::index_name_bytes_max) +
                                                 " bytes, got " + std::to_string(name.size())};
  }
  const bool plain = std::none_of(name.begin(), name.end(), [](char character) {
    const auto byte = static_cast<unsigned char>(character);
    return byte == '/' || byte < 0x20 || byte == 0x7F;
  });
  if (!plain) {
    return Error{Code::index_config_invalid,
                 "an index name must not have slashes or control characters"};
  }
  return ok_status();
}

Status check_description(std::string_view description) {
  if (description.size() <= limits::description_bytes_max) return ok_status();
  return Error{Code::index_config_invalid, "an index description must have at most " +
                                               std::to_string(limits::description_bytes_max) +
                                               " bytes"};
}

Status check_config(const IndexConfig& config) {
  if (config.dimensions < limits::dimensions_min || config.dimensions > limits::dimensions_max) {
    return Error{Code::index_config_invalid, "Dimensions must be in range: [" +
                                                 std::to_string(limits::dimensions_min) + ", " +
                                                 std::to_string(limits::dimensions_max) + "]"};
  }
  return ok_status();
}

// A folder that is new gets the version; any other must have it.
Status check_format(Database& database) {
  SEL_TRY(stored, database.read({layout::format_key()}));
  if (stored[0]) {
    SEL_TRY(version, layout::decode_number(*stored[0]));
    if (version == layout::kFormatVersion) return ok_status();
    return Error{Code::corrupt_data, "the vector store has format " + std::to_string(version) +
                                         ", this program reads " +
                                         std::to_string(layout::kFormatVersion)};
  }
  bool empty = true;
  SEL_CHECK_OK(database.scan("", "\xFF", false,
                             [&empty](std::string_view, std::string_view) -> Result<bool> {
                               empty = false;
                               return false;
                             }));
  if (!empty) return Error{Code::corrupt_data, "the vector store has no format record"};
  rocksdb::WriteBatch batch;
  const auto put = batch.Put(layout::format_key(), layout::encode_number(layout::kFormatVersion));
  if (!put.ok()) return Error{Code::internal, put.ToString()};
  return database.commit(batch);
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const std::filesystem::path& folder,
                                           MetadataReader reader,
                                           std::chrono::microseconds write_delay,
                                           std::chrono::microseconds idle_after) {
  return RocksStore::open(
      folder, {.reader = std::move(reader), .write_delay = write_delay, .idle_after = idle_after});
}

Result<IndexStatus> Store::status(std::string_view account, std::string_view name) {
  SEL_TRY(index, find(account, name));
  return IndexStatus{index->description(), index->stats(), true, index->internals()};
}

Result<std::unique_ptr<Store>> RocksStore::open(const std::filesystem::path& folder,
                                                Options options) {
  SEL_TRY(database, Database::open(folder, options.env));
  SEL_CHECK_OK(check_format(*database));
  options.checkpoints.folder = folder / "derived";
  auto store = std::make_unique<RocksStore>(database, std::move(options));
  SEL_CHECK_OK(store->load());
  SEL_CHECK_OK(store->finish_drops());
  store->remove_leftover_folders();
  store->upkeep_ =
      std::jthread([made = store.get()](const std::stop_token& stop) { made->keep_up(stop); });
  return std::unique_ptr<Store>(std::move(store));
}

RocksStore::RocksStore(std::shared_ptr<Database> database, Options options)
    : database_(std::move(database)),
      shared_(std::make_shared<Shared>(
          database_, std::move(options.reader), options.now_us ? std::move(options.now_us) : now_us,
          options.write_delay, options.steady_us ? std::move(options.steady_us) : steady_us,
          options.near, std::move(options.checkpoints))),
      deleted_(options.deleted_names_max),
      idle_after_(options.idle_after),
      upkeep_pause_(options.upkeep_pause) {}

RocksStore::~RocksStore() {
  end_openings();
  upkeep_.request_stop();  // First: the linker may wait for a graph that is being written.
  shared_->linker.stop();  // Indexes may be held longer; nothing is linked then.
  if (upkeep_.joinable()) upkeep_.join();
  std::stop_source late;
  const std::jthread timer([&](const std::stop_token& done) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, done, shared_->checkpoints.close_time_max, [] { return false; });
    late.request_stop();
  });
  for (const auto& entry : opened_entries()) {
    const std::lock_guard opening(entry->opening_mutex);
    // Whatever is not saved is read from the records.
    if (entry->index != nullptr) [[maybe_unused]]
      const Status saved = entry->index->save(late.get_token());
  }
}

Status RocksStore::load() {
  const std::lock_guard changes(changes_mutex_);
  SEL_TRY(stored, database_->read({layout::serial_key()}));
  if (stored[0]) {
    SEL_TRY(serial, layout::decode_number(*stored[0]));
    serial_ = serial;
  }
  const std::lock_guard indexes(indexes_mutex_);
  SEL_CHECK_OK(deleted_.load(*database_));
  return database_->scan(
      layout::definition_prefix(), prefix_end(layout::definition_prefix()), false,
      [this](std::string_view key, std::string_view value) -> Result<bool> {
        SEL_TRY(owner, layout::account_name(key));
        SEL_TRY(description, layout::decode_definition(value));
        if (description.serial > serial_) {
          return Error{Code::corrupt_data,
                       "index \"" + description.name + "\" is newer than the store's counter"};
        }
        const std::string name = description.name;
        indexes_[owner.account][name] = std::make_shared<Entry>(std::move(description));
        return true;
      });
}

Status RocksStore::finish_drops() {
  std::vector<std::uint64_t> serials;
  SEL_CHECK_OK(database_->scan(layout::leftover_prefix(), prefix_end(layout::leftover_prefix()),
                               false, [&](std::string_view key, std::string_view) -> Result<bool> {
                                 SEL_TRY(serial, layout::leftover_serial(key));
                                 serials.push_back(serial);
                                 return true;
                               }));
  for (const std::uint64_t serial : serials) {
    SEL_CHECK_OK(remove_all_of(serial));
  }
  return ok_status();
}

Status RocksStore::remove_all_of(std::uint64_t serial) const {
  return database_->remove(layout::ranges(serial), layout::leftover_key(serial));
}

void RocksStore::remove_leftover_folders() const {
  std::set<std::string> known;
  {
    const std::lock_guard indexes(indexes_mutex_);
    for (const auto& [account, names] : indexes_) {
      for (const auto& [name, each] : names) {
        known.insert(std::to_string(each->description.serial));
      }
    }
  }
  std::vector<std::filesystem::path> gone;
  std::error_code failed;
  for (std::filesystem::directory_iterator at(shared_->checkpoints.folder, failed), end;
       !failed && at != end; at.increment(failed)) {
    if (!known.contains(at->path().filename().string())) gone.push_back(at->path());
  }
  for (const auto& each : gone) std::filesystem::remove_all(each, failed);
}

void RocksStore::end_openings() {
  {
    const std::lock_guard indexes(indexes_mutex_);
    closing_ = true;
    for (const auto& [account, names] : indexes_) {
      for (const auto& [name, each] : names) {
        if (each->opening != nullptr) each->opening->stop.request_stop();
      }
    }
  }
  openers_.stop();
}

std::vector<std::shared_ptr<RocksStore::Entry>> RocksStore::opened_entries() const {
  const std::lock_guard indexes(indexes_mutex_);
  return opened_;
}

void RocksStore::keep_up(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex);
      never.wait_for(lock, stop, upkeep_pause_, [] { return false; });
    }
    for (const auto& entry : opened_entries()) {
      if (stop.stop_requested()) return;
      std::shared_ptr<StoredIndex> index;
      {
        const std::lock_guard opening(entry->opening_mutex);
        index = entry->index;
      }
      if (index != nullptr) index->keep_up(stop);
      index.reset();
      unload_if_idle(*entry, stop);
    }
  }
}

void RocksStore::unload_if_idle(Entry& entry, const std::stop_token& stop) {
  std::shared_ptr<StoredIndex> index;
  std::int64_t used_us = 0;
  {
    const std::lock_guard opening(entry.opening_mutex);
    if (entry.index == nullptr || entry.index.use_count() > 1) return;
    used_us = entry.used_us;
    if (shared_->steady_us() - used_us < idle_after_.count()) return;
    index = entry.index;
  }
  if (!index->save(stop).ok() || !index->may_unload()) return;
  const std::lock_guard opening(entry.opening_mutex);
  // Nobody else can get at it: find() takes the same mutex.
  if (entry.index != index || index.use_count() != 2 || entry.used_us != used_us) return;
  entry.index.reset();
  const std::lock_guard indexes(indexes_mutex_);
  entry.shown = nullptr;  // `index` goes only after this.
  ++unloaded_count_;
  std::erase_if(opened_, [&entry](const auto& each) { return each.get() == &entry; });
}

Result<IndexDescription> RocksStore::create(std::string_view account, std::string_view name,
                                            std::string_view description,
                                            const IndexConfig& config) {
  SEL_CHECK_OK(check_name(name));
  SEL_CHECK_OK(check_config(config));
  SEL_CHECK_OK(check_description(description));
  const std::lock_guard changes(changes_mutex_);
  if (entry(account, name) != nullptr) {
    return Error{Code::index_already_exists,
                 "there is an index \"" + std::string(name) + "\" already"};
  }
  if (count(account) >= limits::indexes_per_account_max) {
    return Error{Code::index_config_invalid, "the account has " +
                                                 std::to_string(limits::indexes_per_account_max) +
                                                 " indexes, which is the limit"};
  }
  const std::int64_t now = now_us();
  IndexDescription made{std::string(name), std::string(description), config, serial_ + 1, now, now};
  rocksdb::WriteBatch batch;
  auto put = batch.Put(layout::serial_key(), layout::encode_number(made.serial));
  if (put.ok()) put = batch.Put(layout::state_key(made.serial), layout::encode_state({}));
  if (put.ok()) {
    put = batch.Put(layout::definition_key(account, name), layout::encode_definition(made));
  }
  if (!put.ok()) return Error{Code::internal, put.ToString()};
  SEL_CHECK_OK(deleted_.write_remove(batch, account, name));
  SEL_CHECK_OK(database_->commit(batch));
  serial_ = made.serial;
  const std::lock_guard indexes(indexes_mutex_);
  deleted_.remove(account, name);
  indexes_[std::string(account)][made.name] = std::make_shared<Entry>(made);
  return made;
}

Result<std::shared_ptr<Index>> RocksStore::find(std::string_view account, std::string_view name) {
  const auto found = entry(account, name);
  if (found == nullptr) return not_found(account, name);
  const std::lock_guard opening(found->opening_mutex);
  if (found->dropped) return not_found(account, name);
  if (found->index == nullptr) SEL_CHECK_OK(open(found));
  found->used_us = shared_->steady_us();
  return std::shared_ptr<Index>(found->index);
}

Status RocksStore::open(const std::shared_ptr<Entry>& entry) {
  const auto opening = std::make_shared<Opening>();
  IndexDescription description;
  {
    const std::lock_guard indexes(indexes_mutex_);
    // Those who waited while it was tried need not all try in turn.
    if (entry->failed_slowly && failed_just_now(*entry)) return *entry->failure;
    if (closing_ || entry->unwanted) opening->stop.request_stop();
    entry->opening = opening;
    description = entry->description;
  }
  const std::int64_t begun_us = shared_->steady_us();
  auto opened = StoredIndex::open(shared_, description, *opening);
  const std::lock_guard indexes(indexes_mutex_);
  entry->opening = nullptr;
  if (!opened.ok()) {
    if (opened.error().code == Code::cancelled && entry->unwanted) {
      return Error{Code::index_not_found, "there is no index \"" + description.name + '"'};
    }
    entry->failure = opened.error();
    entry->failed_us = shared_->steady_us();
    entry->failed_slowly = entry->failed_us - begun_us > kFailureKeptUs;
    return std::move(opened.error());
  }
  entry->failure.reset();
  entry->index = std::move(opened).value();
  entry->index->set_description(entry->description);  // It may be another by now.
  opened_.push_back(entry);
  entry->shown = entry->index.get();
  return ok_status();
}

bool RocksStore::failed_just_now(const Entry& entry) const {
  return entry.failure && shared_->steady_us() - entry.failed_us < kFailureKeptUs;
}

bool RocksStore::ready(std::string_view account, std::string_view name) {
  std::shared_ptr<Entry> wanted;
  {
    const std::lock_guard indexes(indexes_mutex_);
    wanted = known_entry(account, name);
    if (wanted == nullptr || wanted->shown != nullptr || closing_ || failed_just_now(*wanted)) {
      return true;
    }
    if (wanted->asked_for) return false;
    wanted->asked_for = true;
  }
  openers_.open([this, wanted] {
    {
      const std::lock_guard opening(wanted->opening_mutex);
      // Whoever asks again is told by find() what went wrong.
      if (!wanted->dropped && wanted->index == nullptr) [[maybe_unused]]
        const Status opened = open(wanted);
    }
    const std::lock_guard indexes(indexes_mutex_);
    wanted->asked_for = false;
  });
  return false;
}

Result<IndexStatus> RocksStore::status(std::string_view account, std::string_view name) {
  IndexStatus status;
  {
    const std::lock_guard indexes(indexes_mutex_);
    const auto known = known_entry(account, name);
    if (known != nullptr) status.description = known->description;
    if (known != nullptr && known->shown != nullptr) {
      status.loaded = true;
      status.stats = known->shown->stats();
      status.internals = known->shown->internals();
      return status;
    }
    if (known != nullptr && known->opening != nullptr) {
      status.read_count = known->opening->read_count;
      status.to_read_count = known->opening->vector_count;
    }
  }
  if (status.description.serial == 0) return not_found(account, name);
  SEL_TRY(stored, database_->read({layout::state_key(status.description.serial)}));
  if (!stored[0]) return not_found(account, name);  // Dropped just now.
  SEL_TRY(state, layout::decode_state(*stored[0]));
  status.stats = {state.vector_count, state.mutation, state.mutation_us};
  return status;
}

std::vector<IndexDescription> RocksStore::list(std::string_view account) const {
  const std::lock_guard indexes(indexes_mutex_);
  std::vector<IndexDescription> descriptions;
  const auto known = indexes_.find(account);
  if (known == indexes_.end()) return descriptions;
  for (const auto& [name, each] : known->second) descriptions.push_back(each->description);
  return descriptions;
}

Loaded RocksStore::loaded() const {
  Loaded loaded;
  const std::lock_guard indexes(indexes_mutex_);
  loaded.unloaded_count = unloaded_count_;
  for (const auto& [account, names] : indexes_) {
    for (const auto& [name, each] : names) {
      if (each->opening == nullptr) continue;
      ++loaded.opening_count;
      loaded.read_count += each->opening->read_count;
      loaded.to_read_count += each->opening->vector_count;
    }
  }
  for (const auto& entry : opened_) {
    if (entry->shown == nullptr) continue;
    const Internals each = entry->shown->internals();
    ++loaded.index_count;
    loaded.internals.linked_count += each.linked_count;
    loaded.internals.recent_count += each.recent_count;
    loaded.internals.dead_count += each.dead_count;
    loaded.internals.values_bytes += each.values_bytes;
    loaded.internals.mapped_bytes += each.mapped_bytes;
    loaded.internals.codes_bytes += each.codes_bytes;
    loaded.internals.graph_bytes += each.graph_bytes;
    loaded.internals.other_bytes += each.other_bytes;
  }
  return loaded;
}

Status RocksStore::drop(std::string_view account, std::string_view name) {
  const std::lock_guard changes(changes_mutex_);
  const auto dropped = entry(account, name);
  if (dropped == nullptr) return not_found(account, name);
  {
    const std::lock_guard indexes(indexes_mutex_);
    dropped->unwanted = true;
    if (dropped->opening != nullptr) dropped->opening->stop.request_stop();
  }
  const std::lock_guard opening(dropped->opening_mutex);
  {
    const std::lock_guard indexes(indexes_mutex_);
    dropped->unwanted = false;  // Nobody opens it while this goes on.
  }
  const std::uint64_t serial = dropped->description.serial;
  rocksdb::WriteBatch batch;
  auto put = batch.Delete(layout::definition_key(account, name));
  if (put.ok()) put = batch.Delete(layout::state_key(serial));
  if (put.ok()) put = batch.Delete(layout::properties_key(serial));
  if (put.ok()) put = batch.Delete(layout::recall_key(serial));
  if (put.ok()) put = batch.Put(layout::leftover_key(serial), layout::encode_number(serial));
  if (!put.ok()) return Error{Code::internal, put.ToString()};

  SEL_CHECK_OK(deleted_.write_add(batch, account, name));

  // Writes end before the definition does: none may add records to an index that is gone.
  if (dropped->index != nullptr) dropped->index->set_dropped(true);
  auto committed = database_->commit(batch);
  if (!committed.ok()) {
    if (dropped->index != nullptr) dropped->index->set_dropped(false);
    return committed;
  }
  dropped->dropped = true;
  {
    const std::lock_guard indexes(indexes_mutex_);
    const auto known = indexes_.find(account);
    known->second.erase(known->second.find(name));
    if (known->second.empty()) indexes_.erase(known);
    deleted_.add(account, name);
    std::erase(opened_, dropped);
    dropped->shown = nullptr;
  }
  shared_->listings.end(serial);
  if (dropped->index != nullptr) {
    dropped->index.reset();  // Whoever holds it last removes the records.
    return ok_status();
  }
  // The index is gone already: should this fail, the next opening of the store does it again.
  [[maybe_unused]] const Status removed = remove_all_of(serial);
  std::error_code failed;
  std::filesystem::remove_all(shared_->checkpoints.folder / std::to_string(serial), failed);
  return ok_status();
}

Result<IndexDescription> RocksStore::describe(std::string_view account, std::string_view name,
                                              std::string_view description) {
  SEL_CHECK_OK(check_description(description));
  const std::lock_guard changes(changes_mutex_);
  const auto described = entry(account, name);
  if (described == nullptr) return not_found(account, name);
  IndexDescription next = description_of(*described);
  next.description = description;
  next.modified_us = std::max(now_us(), next.modified_us + 1);
  rocksdb::WriteBatch batch;
  const auto put =
      batch.Put(layout::definition_key(account, name), layout::encode_definition(next));
  if (!put.ok()) return Error{Code::internal, put.ToString()};
  SEL_CHECK_OK(database_->commit(batch));
  const std::lock_guard indexes(indexes_mutex_);
  described->description = next;
  if (described->shown != nullptr) described->shown->set_description(next);
  return next;
}

IndexDescription RocksStore::description_of(const Entry& entry) const {
  const std::lock_guard indexes(indexes_mutex_);
  return entry.description;
}

Error RocksStore::not_found(std::string_view account, std::string_view name) const {
  const std::lock_guard indexes(indexes_mutex_);
  const std::string quoted = '"' + std::string(name) + '"';
  if (deleted_.contains(account, name)) {
    return Error{Code::index_deleted, "the index " + quoted + " was deleted"};
  }
  return Error{Code::index_not_found, "there is no index " + quoted};
}

std::shared_ptr<RocksStore::Entry> RocksStore::entry(std::string_view account,
                                                     std::string_view name) const {
  const std::lock_guard indexes(indexes_mutex_);
  return known_entry(account, name);
}

std::shared_ptr<RocksStore::Entry> RocksStore::known_entry(std::string_view account,
                                                           std::string_view name) const {
  const auto known = indexes_.find(account);
  if (known == indexes_.end()) return nullptr;
  const auto found = known->second.find(name);
  return found == known->second.end() ? nullptr : found->second;
}

std::size_t RocksStore::count(std::string_view account) const {
  const std::lock_guard indexes(indexes_mutex_);
  const auto known = indexes_.find(account);
  return known == indexes_.end() ? 0 : known->second.size();
}

}  // namespace selvedge::vectors
