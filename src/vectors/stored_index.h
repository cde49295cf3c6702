// StoredIndex: an Index whose records are in the database; answered from rows and a graph in
// memory.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vectors/checkpoint_folder.h"
#include "vectors/database.h"
#include "vectors/index.h"
#include "vectors/layout.h"
#include "vectors/linker.h"
#include "vectors/listings.h"
#include "vectors/near_graph.h"
#include "vectors/properties.h"
#include "vectors/property_lists.h"
#include "vectors/published.h"
#include "vectors/rows.h"
#include "vectors/write_pace.h"

namespace selvedge::vectors {

// When an index is saved in derived files, from which it opens without reading all records.
struct CheckpointRules {
  std::filesystem::path folder;     // Has a folder for each index; empty: nothing is saved.
  std::size_t vectors_min = 5'000;  // Smaller indexes are read whole.
  // A checkpoint is due when more ids changed than this and than a quarter of the index.
  std::size_t changes_min = 10'000;
  // The same, and than a 64th, when nothing was written for a while, and when the store is closed.
  std::size_t changes_at_rest_min = 1'000;
  std::chrono::milliseconds rest = std::chrono::seconds(10);
  // Values of no more bytes are verified before an index opens, of more in the background.
  std::size_t verify_at_open_bytes_max = 64U << 20;
  std::chrono::milliseconds retry_after = std::chrono::seconds(30);  // When one failed.
  std::chrono::milliseconds close_time_max = std::chrono::seconds(10);
};

class CompiledFilter;
class PreparedQuery;
struct Candidate;
struct Restriction;

// What the indexes of one store have in common.
struct Shared {
  Shared(std::shared_ptr<Database> opened, MetadataReader metadata_reader, Listings::Clock now_us,
         Delay delay, Published::Clock steady, NearRules near, CheckpointRules rules)
      : database(std::move(opened)),
        reader(std::move(metadata_reader)),
        listings(std::move(now_us)),
        write_delay(delay),
        steady_us(std::move(steady)),
        near_rules(near),
        checkpoints(std::move(rules)) {}

  std::shared_ptr<Database> database;
  MetadataReader reader;  // May be null.
  Listings listings;
  const Delay write_delay;  // After which writes are seen; 0 = at once.
  const Published::Clock steady_us;
  const NearRules near_rules;
  const CheckpointRules checkpoints;
  Linker linker;  // Stopped by the store before it goes.
};

// How the opening of an index goes; written by who opens it, read by any thread.
struct Opening {
  std::atomic<std::uint64_t> read_count = 0;  // Vectors, where all records are read.
  std::atomic<std::uint64_t> vector_count = 0;
  std::stop_source stop;
};

// The truth is in the Database; memory holds values, ids, partitions, indexed properties and, of
// many vectors, the graph; metadata is read for the matches alone. A write is encoded, committed,
// applied to the rows and published, in this order and under one mutex; a query takes the published
// snapshot and never waits for a write. Whether a write adds or replaces is decided by the newest
// state, whatever readers see.
class StoredIndex final : public Index,
                          public Linked,
                          public std::enable_shared_from_this<StoredIndex> {
 public:
  // Reads the checkpoint and what was written since, or, without a good one, all records. Errors:
  // io, corrupt_data (a record that does not verify, or more or fewer records than were
  // acknowledged), cancelled (by `opening`).
  static Result<std::shared_ptr<StoredIndex>> open(std::shared_ptr<Shared> shared,
                                                   IndexDescription description, Opening& opening);

  StoredIndex(std::shared_ptr<Shared> shared, IndexDescription description);
  // The last holder of a dropped index removes its records.
  ~StoredIndex() override;
  StoredIndex(const StoredIndex&) = delete;
  StoredIndex& operator=(const StoredIndex&) = delete;

  const IndexDescription& description() const override { return *description_.load(); }
  Result<MutationNumber> insert(const VectorBatch& batch) override {
    return insert(batch, shared_->write_delay);
  }
  Result<MutationNumber> upsert(const VectorBatch& batch) override {
    return upsert(batch, shared_->write_delay);
  }
  Result<MutationNumber> erase(std::span<const std::string> ids) override {
    return erase(ids, shared_->write_delay);
  }
  Result<std::vector<StoredVector>> get(std::span<const std::string> ids) const override;
  Result<std::vector<Match>> query(std::span<const float> vector,
                                   const QueryOptions& options) const override;
  Result<IdPage> list(std::string_view after, std::size_t count) const override;
  Result<ListPage> list_page(std::size_t count, std::string_view cursor) const override;
  Result<MutationNumber> create_metadata_index(std::string_view property, PropertyType type,
                                               bool with_written, std::size_t count_max) override {
    return create_metadata_index(property, type, with_written, count_max, shared_->write_delay);
  }
  Result<MutationNumber> delete_metadata_index(std::string_view property) override {
    return delete_metadata_index(property, shared_->write_delay);
  }
  std::vector<MetadataIndex> metadata_indexes() const override;
  IndexStats stats() const override;
  Internals internals() const override;
  std::vector<RecallPoint> calibration() const override;
  float recall() const override { return recall_; }
  Status set_recall(float recall) override;
  void settle() override;
  std::size_t partitions_with(std::span<const std::optional<std::string>> added,
                              std::size_t most) const override;
  std::shared_ptr<Index> delayed(std::chrono::microseconds delay) override;

  // The same with a delay of the caller's instead of the store's.
  Result<MutationNumber> insert(const VectorBatch& batch, Delay delay);
  Result<MutationNumber> upsert(const VectorBatch& batch, Delay delay);
  Result<MutationNumber> erase(std::span<const std::string> ids, Delay delay);
  Result<MutationNumber> create_metadata_index(std::string_view property, PropertyType type,
                                               bool with_written, std::size_t count_max,
                                               Delay delay);
  Result<MutationNumber> delete_metadata_index(std::string_view property, Delay delay);

  // Links some of the vectors that are recent, and whatever else the graph needs.
  bool link_some(const std::stop_token& stop) override;
  // What goes on in the background: verifies the values that a checkpoint gave, writes a checkpoint
  // when one is due. Writers and readers do not wait for it. One call at a time works, others wait.
  void keep_up(const std::stop_token& stop);
  // Writes a checkpoint if anything is worth it: when the store is closed, or the index unloaded.
  Status save(const std::stop_token& stop);
  // Whether the index, opened again, would be as readers and writers have it now, and soon: it is
  // small or saved, no write failed, and none is yet to be seen.
  bool may_unload() const;

  // References to the description before stay good.
  void set_description(IndexDescription description);

  // While set, writes answer index_not_found. Waits for a write under way.
  void set_dropped(bool dropped);

 private:
  Status load(Opening& opening);
  Status load_recall();
  Status load_properties();
  Status load_records(Opening& opening);
  // True: the rows are as the checkpoint and the mutations since say. False: there is none to use,
  // and the rows are empty. Errors: of the database.
  Result<bool> load_checkpoint();
  Status restore(const layout::Checkpoint& checkpoint);
  // The graph and the rows, which then have every slot that the graph holds.
  void restore_rows(const CheckpointFile& file, StoredRows& stored);
  // After the replay: what the graph holds of rows that ended is buried, other slots are free, and
  // living rows that it does not hold are recent.
  void reconcile_graph();
  Status replay(const layout::Checkpoint& checkpoint);
  Status replay(std::span<const std::string> ids);
  // Of metadata indexes that the checkpoint does not have as they are.
  Status fill_columns(std::span<const std::size_t> missing);
  Status forget_checkpoint();

  Status check_values(const std::stop_token& stop);
  Status check_span(std::size_t span);
  Status repair(const CheckpointFolder::Block& block) const;
  // Of values that their files failed to give while they were read.
  Status put_back_lost() const;
  Status write_checkpoint(const std::stop_token& stop);
  CheckpointContent checkpoint_content(const std::stop_token& stop);
  // What is in the graph by now, which may be more or less than a snapshot sees.
  Status save_graph(CheckpointWriter& writer, const std::stop_token& stop);
  void stop_log();
  // What it takes for a checkpoint; false: none was due, or it failed.
  bool checkpoint_if_due(const std::stop_token& stop);
  // So many changes are worth a checkpoint when there is time; under both mutexes.
  std::uint64_t at_rest_many() const;
  // Gives the checkpoint up whose log has become longer than reading all records.
  void bound_log();
  Status accept_checkpoint(const layout::Checkpoint& checkpoint, std::uint64_t changes);

  Status check_batch(const VectorBatch& batch) const;
  Status check_writable() const;
  Result<MutationNumber> write(const VectorBatch& batch, std::span<const std::size_t> chosen,
                               std::size_t added, Delay delay);
  // Where readers are to see what was before, its records are held fast first.
  Status commit(rocksdb::WriteBatch& changes, const layout::State& next,
                std::span<const std::string_view> touched, Delay delay);
  // Codes of the newest recent rows, `slots`, by which queries judge them until they are linked.
  void encode_recent(const VectorBatch& batch, std::span<const std::size_t> chosen,
                     std::span<const Slot> slots);
  // The rows as the writer has left them; under the writer's mutex.
  std::shared_ptr<const Snapshot> snapshot_rows();
  void publish(const layout::State& state, Delay delay);

  // Commits the metadata indexes `next`, and then their column `at` (none: it is gone).
  Result<MutationNumber> change_properties(Properties next, std::size_t at,
                                           std::optional<Rows::Draft> draft, Delay delay);
  // Sets the property of all vectors, from the records.
  Status fill_column(const MetadataIndex& index, const Rows::Draft& draft) const;

  // What a part of linking begins with and ends with, under the writer's mutex.
  struct Turn;
  bool begin_turn(Turn& turn);
  void end_turn(const Turn& turn);
  // Of rows that ended. Those that the graph holds wait until it was mended.
  void free_dead();
  void want_links();
  std::shared_ptr<const PropertyLists> lists() const;
  // Makes lists of the snapshot's properties, if those there are serve it badly; while nothing else
  // is to be done, if they could serve it much better.
  void make_lists(const Snapshot& snapshot, bool idle, const std::stop_token& stop);

  // What query() answers, unless the disk failed meanwhile.
  Result<std::vector<Match>> search(const PreparedQuery& query, const QueryOptions& options) const;
  // By a walk where the graph serves, else by a scan.
  std::vector<Candidate> nearest(const Snapshot& snapshot, const PreparedQuery& query,
                                 std::size_t count, const Restriction& restriction,
                                 std::optional<float> recall) const;
  Result<std::vector<Match>> matches(const Published::State& seen, const PreparedQuery& query,
                                     const CompiledFilter* filter, std::span<const Candidate> found,
                                     const QueryOptions& options) const;
  bool renew(const Snapshot& snapshot, const PreparedQuery& query, const layout::Record& record,
             const CompiledFilter* filter, const QueryOptions& options, float& key,
             Match& match) const;
  Result<IdPage> list(std::string_view after, std::size_t count, const Database::View* view,
                      std::uint64_t total_count) const;
  std::string message(std::string_view what) const;

  const std::shared_ptr<Shared> shared_;
  const std::uint64_t serial_;
  const IndexConfig config_;

  std::atomic<const IndexDescription*> description_;  // The newest one.
  std::mutex descriptions_mutex_;                     // Guards the list, which keeps all.
  std::vector<std::unique_ptr<const IndexDescription>> descriptions_;

  // Guards the writer's side: rows, properties, state and why not to write.
  mutable std::mutex writer_mutex_;
  Rows rows_;
  std::shared_ptr<const Properties> properties_ = std::make_shared<const Properties>();
  RecentCodes recent_codes_;
  layout::State state_;
  bool dropped_ = false;
  std::string failure_;  // Why a write failed; from then on there are none.
  // Whether mutations are noted in the log: all since the last checkpoint, or since one began.
  bool logged_ = false;
  std::uint64_t changed_count_ = 0;  // Ids since the last checkpoint; all when there is none.

  // Guards the derived files; taken before writer_mutex_.
  mutable std::mutex upkeep_mutex_;
  CheckpointFolder folder_;
  layout::Checkpoint checkpoint_;      // The one that counts; generation 0: none.
  std::size_t verified_spans_ = 0;     // Of those that were mapped.
  std::int64_t retry_at_us_ = 0;       // Not before; after a failure.
  MutationNumber quiet_mutation_ = 0;  // The last one when it was last looked ...
  std::int64_t quiet_since_us_ = 0;    // ... and since when.
  std::atomic<std::size_t> mapped_bytes_ = 0;

  std::mutex linking_mutex_;  // Guards the graph's growing; taken before writer_mutex_.
  // Somebody waits to save the graph. Who links lets them go first: a mutex alone would not.
  std::atomic<bool> saving_graph_ = false;
  // Rows that were linked, or linked anew, since the last checkpoint; and those of them that the
  // one being written has, which its writer guards by upkeep_mutex_.
  std::atomic<std::uint64_t> linked_since_ = 0;
  std::uint64_t linked_saved_ = 0;
  std::atomic<bool> calibrating_ = false;  // The graph, for the linker has time for it.
  NearGraph near_;

  WritePace pace_;

  mutable std::mutex lists_mutex_;  // Guards the pointer.
  std::shared_ptr<const PropertyLists> lists_;

  std::atomic<float> recall_ = kRecallDefault;  // As on disk.

  Published published_;
};

}  // namespace selvedge::vectors
