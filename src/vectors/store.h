// Store: the indexes of every account in one RocksDB folder.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "vectors/index.h"

namespace selvedge::vectors {

// What the indexes that are in memory hold there, all together.
struct Loaded {
  std::uint64_t index_count = 0;
  Internals internals;
  std::uint64_t opening_count = 0;   // Indexes that are being opened ...
  std::uint64_t read_count = 0;      // ... and of those without a checkpoint, vectors read so far
  std::uint64_t to_read_count = 0;   // and in all.
  std::uint64_t unloaded_count = 0;  // How often an idle index left memory.
};

// What is known of an index whether it is in memory or not.
struct IndexStatus {
  IndexDescription description;
  IndexStats stats;
  bool loaded = false;
  Internals internals;  // Of one that is loaded.
  // Of one that is being read whole: vectors read so far, and in all.
  std::uint64_t read_count = 0;
  std::uint64_t to_read_count = 0;
};

// Thread-safe; methods block. An account is a separate space of names; any non-empty name is one.
class Store {
 public:
  // Opens or creates the folder. One process at a time: a second one gets `unavailable`. `reader`
  // knows the form of metadata; without one no vector has any property. `write_delay`: see
  // Index::delayed; here of every write of every index. An index that nobody asks for leaves memory
  // after `idle_after`. Errors: io, corrupt_data (the message names the file), unavailable.
  static Result<std::unique_ptr<Store>> open(
      const std::filesystem::path& folder, MetadataReader reader = nullptr,
      std::chrono::microseconds write_delay = std::chrono::microseconds::zero(),
      std::chrono::microseconds idle_after = kIdleAfter);
  static constexpr std::chrono::minutes kIdleAfter{10};
  virtual ~Store() = default;

  // Errors: index_already_exists, index_config_invalid (dimensions, name), io.
  virtual Result<IndexDescription> create(std::string_view account, std::string_view name,
                                          std::string_view description,
                                          const IndexConfig& config) = 0;

  // The opened index; it stays usable while the pointer is held, even if the index is dropped
  // meanwhile. Waits while it is opened: without a checkpoint, some seconds for a million vectors.
  // Errors: index_not_found, index_deleted (the name was dropped and not created since), io,
  // corrupt_data.
  virtual Result<std::shared_ptr<Index>> find(std::string_view account, std::string_view name) = 0;

  // Whether find() need not wait, for an index or an error. If it would, a thread of the store
  // begins to open the index: ask again. Waits for nothing itself.
  virtual bool ready(std::string_view /*account*/, std::string_view /*name*/) { return true; }

  // Neither loads the index nor waits for one that is being opened. Errors: index_not_found,
  // index_deleted, io, corrupt_data.
  virtual Result<IndexStatus> status(std::string_view account, std::string_view name);

  // Sorted by name.
  virtual std::vector<IndexDescription> list(std::string_view account) const = 0;

  // How many there are of the account.
  virtual std::size_t count(std::string_view account) const { return list(account).size(); }

  // Waits for no disk and no index that is being opened, which is left out.
  virtual Loaded loaded() const { return {}; }

  // Removes the index and its vectors. Later writes through a held pointer fail with
  // index_not_found. Errors: index_not_found, index_deleted, io.
  virtual Status drop(std::string_view account, std::string_view name) = 0;

  // Reads everything that is on disk against its checksums. Errors: corrupt_data, io.
  virtual Status verify() const { return ok_status(); }

  // Writes all indexes of all accounts, as they are at one moment, to `folder`, which `open` takes
  // afterwards; on disk on return. Writes go on meanwhile. `folder` must not exist, its parent
  // must. Errors: already_exists, io, not_served (a store that is not on disk).
  virtual Status snapshot(const std::filesystem::path& folder) const {
    return Error{Code::not_served, "no snapshot of this store, to " + folder.string()};
  }

  // Replaces the description. Errors: index_not_found, index_deleted, io.
  virtual Result<IndexDescription> describe(std::string_view account, std::string_view name,
                                            std::string_view description) = 0;
};

}  // namespace selvedge::vectors
