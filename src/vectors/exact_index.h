// ExactIndex: an Index that keeps all vectors in memory and looks at every one.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vectors/database.h"
#include "vectors/index.h"
#include "vectors/layout.h"
#include "vectors/rows.h"

namespace selvedge::vectors {

class PreparedQuery;
struct Candidate;

// The truth is in the Database; memory holds values, ids and partitions for the scan, metadata is
// read for the matches alone. A write is encoded, committed, applied to the rows and published, in
// this order and under one mutex; a query takes the published snapshot and never waits for a write.
class ExactIndex final : public Index {
 public:
  // Reads all records of the index. Errors: io, corrupt_data (a record that does not verify, or
  // more or fewer records than were acknowledged).
  static Result<std::shared_ptr<ExactIndex>> open(std::shared_ptr<Database> database,
                                                  IndexDescription description);

  ExactIndex(std::shared_ptr<Database> database, IndexDescription description);
  // The last holder of a dropped index removes its records.
  ~ExactIndex() override;
  ExactIndex(const ExactIndex&) = delete;
  ExactIndex& operator=(const ExactIndex&) = delete;

  const IndexDescription& description() const override { return description_; }
  Result<MutationNumber> insert(const VectorBatch& batch) override;
  Result<MutationNumber> upsert(const VectorBatch& batch) override;
  Result<MutationNumber> erase(std::span<const std::string> ids) override;
  Result<std::vector<StoredVector>> get(std::span<const std::string> ids) const override;
  Result<std::vector<Match>> query(std::span<const float> vector,
                                   const QueryOptions& options) const override;
  Result<IdPage> list(std::string_view after, std::size_t count) const override;
  IndexStats stats() const override;

  // While set, writes answer index_not_found. Waits for a write under way.
  void set_dropped(bool dropped);

 private:
  Status load();
  Status check_batch(const VectorBatch& batch) const;
  Status check_writable() const;
  Result<MutationNumber> write(const VectorBatch& batch, std::span<const std::size_t> chosen,
                               std::size_t added);
  Status commit(rocksdb::WriteBatch& changes, const layout::State& next);
  void publish(const layout::State& state);
  std::shared_ptr<const Snapshot> snapshot() const;
  Result<std::vector<Match>> matches(const Snapshot& snapshot, const PreparedQuery& query,
                                     std::span<const Candidate> found,
                                     const QueryOptions& options) const;
  std::string message(std::string_view what) const;

  const std::shared_ptr<Database> database_;
  const IndexDescription description_;

  mutable std::mutex
      writer_mutex_;  // Guards the writer's side: rows_, state_ and why not to write.
  Rows rows_;
  layout::State state_;
  bool dropped_ = false;
  std::string failure_;  // Why a write failed; from then on there are none.

  mutable std::mutex snapshot_mutex_;  // Guards the pointer, for as long as it takes to copy it.
  std::shared_ptr<const Snapshot> snapshot_;
};

}  // namespace selvedge::vectors
