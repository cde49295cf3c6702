// RocksStore: the Store over one RocksDB folder.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "vectors/database.h"
#include "vectors/deleted_names.h"
#include "vectors/openers.h"
#include "vectors/store.h"
#include "vectors/stored_index.h"

namespace selvedge::vectors {

// Definitions are read when the folder is opened, vectors when an index is first asked for. Mutexes
// are taken in this order: changes_mutex_, an entry's opening_mutex, the index's own;
// indexes_mutex_ last and for no I/O.
class RocksStore final : public Store {
 public:
  // What tests replace: the disk, the clocks of listings and of delays, how many deleted names are
  // kept, when derived files are written and indexes unloaded.
  struct Options {
    MetadataReader reader = nullptr;
    rocksdb::Env* env = nullptr;       // Null is the real one.
    Listings::Clock now_us = nullptr;  // Null is the system's.
    std::size_t deleted_names_max = DeletedNames::kDefaultMax;
    Delay write_delay = Delay::zero();
    Published::Clock steady_us = nullptr;  // Null is the system's.
    NearRules near = {};
    CheckpointRules checkpoints = {};  // `folder` is set by `open`.
    // An index that nobody asked for or holds, and that opens soon, is taken from memory after
    // this.
    std::chrono::microseconds idle_after = kIdleAfter;
    std::chrono::milliseconds upkeep_pause = std::chrono::seconds(1);
  };
  // Errors: those of Store::open.
  static Result<std::unique_ptr<Store>> open(const std::filesystem::path& folder, Options options);

  RocksStore(std::shared_ptr<Database> database, Options options);
  // Saves what is worth it, for limits of time see CheckpointRules.
  ~RocksStore() override;

  Result<IndexDescription> create(std::string_view account, std::string_view name,
                                  std::string_view description, const IndexConfig& config) override;
  Result<std::shared_ptr<Index>> find(std::string_view account, std::string_view name) override;
  bool ready(std::string_view account, std::string_view name) override;
  Result<IndexStatus> status(std::string_view account, std::string_view name) override;
  std::vector<IndexDescription> list(std::string_view account) const override;
  Loaded loaded() const override;
  Status drop(std::string_view account, std::string_view name) override;
  Result<IndexDescription> describe(std::string_view account, std::string_view name,
                                    std::string_view description) override;
  std::size_t count(std::string_view account) const override;
  Status verify() const override { return database_->verify(); }
  Status snapshot(const std::filesystem::path& folder) const override {
    return database_->snapshot(folder);
  }

 private:
  struct Entry {
    explicit Entry(IndexDescription described) : description(std::move(described)) {}
    // Guarded by indexes_mutex_.
    IndexDescription description;
    StoredIndex* shown = nullptr;      // `index`, for those who cannot wait.
    std::shared_ptr<Opening> opening;  // While it is opened.
    bool asked_for = false;            // Of a thread that opens.
    bool unwanted = false;             // Somebody waits to drop it.
    std::optional<Error> failure;      // Why it was not opened, when it was last tried ...
    std::int64_t failed_us = 0;        // ... until then, by the steady clock,
    bool failed_slowly = false;        // and whether that took long.

    std::mutex opening_mutex;  // Guards what follows; held while the index is read.
    std::shared_ptr<StoredIndex> index;
    std::int64_t used_us = 0;  // When it was last asked for, by the steady clock.
    bool dropped = false;
  };

  // Fills the entry's index, under its opening_mutex.
  Status open(const std::shared_ptr<Entry>& entry);
  void end_openings();
  bool failed_just_now(const Entry& entry) const;
  // Under indexes_mutex_; null when there is none.
  std::shared_ptr<Entry> known_entry(std::string_view account, std::string_view name) const;

  Status load();
  Status finish_drops();
  void remove_leftover_folders() const;
  Status remove_all_of(std::uint64_t serial) const;

  // The thread that looks after the opened indexes, one after the other.
  void keep_up(const std::stop_token& stop);
  void unload_if_idle(Entry& entry, const std::stop_token& stop);
  std::vector<std::shared_ptr<Entry>> opened_entries() const;
  std::shared_ptr<Entry> entry(std::string_view account, std::string_view name) const;
  IndexDescription description_of(const Entry& entry) const;
  Error not_found(std::string_view account, std::string_view name) const;

  const std::shared_ptr<Database> database_;
  const std::shared_ptr<Shared> shared_;
  std::mutex changes_mutex_;          // One create, drop or description at a time. Guards serial_.
  std::uint64_t serial_ = 0;          // The last one given.
  mutable std::mutex indexes_mutex_;  // Guards what follows.
  std::map<std::string, std::map<std::string, std::shared_ptr<Entry>, std::less<>>, std::less<>>
      indexes_;  // By account, by name.
  DeletedNames deleted_;
  std::vector<std::shared_ptr<Entry>>
      opened_;  // Those whose index is in memory; some were dropped.
  std::uint64_t unloaded_count_ = 0;
  bool closing_ = false;

  const std::chrono::microseconds idle_after_;
  const std::chrono::milliseconds upkeep_pause_;
  Openers openers_;
  std::jthread upkeep_;  // Ends first.
};

}  // namespace selvedge::vectors
