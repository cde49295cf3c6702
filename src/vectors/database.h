// Database: one RocksDB folder, opened by one process, whose writes are on disk when they return.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace rocksdb {
class DB;
class Env;
class Snapshot;
class WriteBatch;
}  // namespace rocksdb

namespace selvedge::vectors {

class FolderLock;

// Made by a shared pointer only. Thread-safe; methods block. Statuses of the library come back as
// io or corrupt_data, with the library's words (which name files, never content).
class Database : public std::enable_shared_from_this<Database> {
 public:
  // Opens or creates the folder. A torn end of the log (a write that nobody was told of) is
  // dropped; damage anywhere else is refused. `env` stands for the disk in tests; null is the real
  // one, else it must outlive the Database. Errors: io, corrupt_data, unavailable (another process
  // has it).
  static Result<std::shared_ptr<Database>> open(const std::filesystem::path& folder,
                                                rocksdb::Env* env);
  // `open` is the way to one.
  Database(std::unique_ptr<FolderLock> lock, std::unique_ptr<rocksdb::DB> db);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // All of the batch or nothing; on disk (synced) on return. Errors: io; whether the batch is there
  // is then known only after the folder is opened again.
  Status commit(rocksdb::WriteBatch& batch);

  using Range = std::pair<std::string, std::string>;  // Keys from the first up to the second.
  // Removes the ranges and then, if not empty, the key `marker` that asked for it. Not synced: as
  // long as the marker is found, it is done again.
  Status remove(std::span<const Range> ranges, std::string_view marker);

  // See Store::snapshot.
  Status snapshot(const std::filesystem::path& folder) const;
  // Reads all against its checksums. Errors: corrupt_data, io.
  Status verify() const;

  // What the store holds at one moment. While one lives, what it shows is kept on disk. Keeps the
  // database open.
  class View {
   public:
    explicit View(std::shared_ptr<const Database> database);
    ~View();
    View(const View&) = delete;
    View& operator=(const View&) = delete;

   private:
    friend class Database;
    std::shared_ptr<const Database> database_;
    const rocksdb::Snapshot* snapshot_;
  };
  std::shared_ptr<const View> current_view() const;

  // The values of `keys`, as the store was at one moment, that of `moment` when it is given; empty
  // optionals for keys that are not there. Errors: io, corrupt_data.
  Result<std::vector<std::optional<std::string>>> read(const std::vector<std::string>& keys,
                                                       const View* moment = nullptr) const;

  // Calls `visit` with each key from `begin` up to `end` in order, until it answers false or an
  // error. Reads ahead and bypasses the cache when `whole`: for long scans. Sees what `moment`
  // shows, when it is given. Errors: io, corrupt_data, those of `visit`.
  using Visit = std::function<Result<bool>(std::string_view key, std::string_view value)>;
  Status scan(std::string_view begin, std::string_view end, bool whole, const Visit& visit,
              const View* moment = nullptr) const;

 private:
  std::unique_ptr<FolderLock> lock_;  // Released after the database is closed.
  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace selvedge::vectors
