// RocksStore: the Store over one RocksDB folder.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vectors/database.h"
#include "vectors/exact_index.h"
#include "vectors/store.h"

namespace selvedge::vectors {

// Definitions are read when the folder is opened, vectors when an index is first asked for. Mutexes
// are taken in this order: changes_mutex_, an entry's opening_mutex, the index's own;
// indexes_mutex_ last and for no I/O.
class RocksStore final : public Store {
 public:
  // `env` stands for the disk in tests; null is the real one. Errors: those of Store::open.
  static Result<std::unique_ptr<Store>> open(const std::filesystem::path& folder,
                                             rocksdb::Env* env);

  explicit RocksStore(std::shared_ptr<Database> database) : database_(std::move(database)) {}

  Result<IndexDescription> create(std::string_view account, std::string_view name,
                                  std::string_view description, const IndexConfig& config) override;
  Result<std::shared_ptr<Index>> find(std::string_view account, std::string_view name) override;
  std::vector<IndexDescription> list(std::string_view account) const override;
  Status drop(std::string_view account, std::string_view name) override;

 private:
  struct Entry {
    explicit Entry(IndexDescription described) : description(std::move(described)) {}
    const IndexDescription description;
    std::mutex opening_mutex;  // Guards what follows; held while the index is read.
    std::shared_ptr<ExactIndex> index;
    bool dropped = false;
  };

  Status load();
  Status finish_drops();
  std::shared_ptr<Entry> entry(std::string_view account, std::string_view name) const;
  std::size_t count(std::string_view account) const;

  const std::shared_ptr<Database> database_;
  std::mutex changes_mutex_;          // One create or drop at a time. Guards serial_.
  std::uint64_t serial_ = 0;          // The last one given.
  mutable std::mutex indexes_mutex_;  // Guards the map.
  std::map<std::string, std::map<std::string, std::shared_ptr<Entry>, std::less<>>, std::less<>>
      indexes_;  // By account, by name.
};

}  // namespace selvedge::vectors
