// Database: the options that make RocksDB keep our promises, and its statuses as results.
#include "vectors/database.h"

#include <array>
#include <cstdarg>
#include <cstdio>
#include <utility>

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include "base/log.h"
#include "vectors/folder_lock.h"
#include "vectors/log_tail.h"

namespace selvedge::vectors {
namespace {

constexpr std::size_t kBlockCacheBytes = 64U << 20;
constexpr std::size_t kWriteBufferBytes = 64U << 20;
constexpr std::size_t kReadaheadBytes = 2U << 20;

rocksdb::Slice slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view view(const rocksdb::Slice& bytes) { return {bytes.data(), bytes.size()}; }

Error from_status(const rocksdb::Status& status) {
  const Code code = status.IsCorruption() ? Code::corrupt_data : Code::io;
  return Error{code, "the vector store: " + status.ToString()};
}

// Of a folder that exists: a file that is missing or of another make is damage, not a disk error.
Error from_open_status(const std::filesystem::path& folder, const rocksdb::Status& status) {
  const bool damaged = status.IsCorruption() || status.IsPathNotFound() || status.IsNotFound() ||
                       status.IsInvalidArgument() || status.IsNotSupported();
  return Error{damaged ? Code::corrupt_data : Code::io,
               "the vector store " + folder.string() + ": " + status.ToString()};
}

// The errors of the library in our log. Its own log would be a file beside the data, which is full
// when the disk is, and whose second failed line ends the process (an assertion of version 7.8).
class LibraryLog final : public rocksdb::Logger {
 public:
  LibraryLog() : Logger(rocksdb::InfoLogLevel::ERROR_LEVEL) {}
  using Logger::Logv;
  void LogHeader(const char*, va_list) override {}  // Options, at every level.
  void Logv(const char* format, va_list arguments) override {
    std::array<char, 1'024> line{};
    std::vsnprintf(line.data(), line.size(), format, arguments);
    // Further lines may show keys, and so the ids of vectors.
    const std::string_view text(line.data());
    log::error("the vector store: {}", text.substr(0, text.find('\n')));
  }
};

// A log that could not be written ends somewhere. The library would go on with it once there is
// space again (an assertion of version 7.8 then ends the process); here it is left alone until the
// folder is opened anew. Work in the background, which writes new files, may go on by itself.
class NoSecondTry final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason reason, rocksdb::Status,
                            bool* recover) override {
    using Reason = rocksdb::BackgroundErrorReason;
    if (reason != Reason::kFlush && reason != Reason::kCompaction) *recover = false;
  }
};

rocksdb::Options options(rocksdb::Env* env) {
  rocksdb::Options options;
  options.create_if_missing = true;
  if (env != nullptr) options.env = env;
  // The log may end torn; a damaged record before its end would take acknowledged writes with it,
  // so it must be an error and not, as by default, the point where recovery quietly stops.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.track_and_verify_wals_in_manifest = true;
  options.verify_sst_unique_id_in_manifest = true;
  options.paranoid_checks = true;
  // Embeddings do not compress.
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = kWriteBufferBytes;
  options.max_background_jobs = 2;
  options.max_open_files = 512;
  options.info_log = std::make_shared<LibraryLog>();
  options.listeners.push_back(std::make_shared<NoSecondTry>());
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  rocksdb::BlockBasedTableOptions table;
  table.block_size = 16U << 10;
  table.block_cache = rocksdb::NewLRUCache(kBlockCacheBytes);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

// RocksDB starts anew where CURRENT is missing. Beside data files that would be losing them.
Status check_current(const std::filesystem::path& folder) {
  std::error_code failed;
  if (std::filesystem::exists(folder / "CURRENT", failed)) return ok_status();
  for (std::filesystem::directory_iterator file(folder, failed), end; !failed && file != end;
       file.increment(failed)) {
    const auto extension = file->path().extension();
    if (extension == ".sst" || extension == ".log") {
      return Error{Code::corrupt_data, "the vector store " + folder.string() +
                                           ": the file CURRENT is missing beside data files"};
    }
  }
  if (failed) return Error{Code::io, folder.string() + ": " + failed.message()};
  return ok_status();
}

}  // namespace

Result<std::shared_ptr<Database>> Database::open(const std::filesystem::path& folder,
                                                 rocksdb::Env* env) {
  SEL_TRY(lock, FolderLock::take(folder));
  SEL_CHECK_OK(check_current(folder));
  SEL_CHECK_OK(check_log_tails(folder));
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(options(env), folder.string(), &opened);
  std::unique_ptr<rocksdb::DB> db(opened);
  if (!status.ok()) return from_open_status(folder, status);
  return std::make_shared<Database>(std::move(lock), std::move(db));
}

Database::Database(std::unique_ptr<FolderLock> lock, std::unique_ptr<rocksdb::DB> db)
    : lock_(std::move(lock)), db_(std::move(db)) {}

Database::~Database() = default;

Status Database::commit(rocksdb::WriteBatch& batch) {
  rocksdb::WriteOptions write;
  write.sync = true;
  const rocksdb::Status status = db_->Write(write, &batch);
  if (!status.ok()) return Error{Code::io, from_status(status).message};
  return ok_status();
}

Status Database::remove(std::span<const Range> ranges, std::string_view marker) {
  rocksdb::WriteBatch batch;
  rocksdb::Status status;
  for (const auto& [begin, end] : ranges) {
    if (status.ok()) status = batch.DeleteRange(slice(begin), slice(end));
  }
  if (status.ok() && !marker.empty()) status = batch.Delete(slice(marker));
  if (!status.ok()) return from_status(status);
  // Synced, too: of a log only the last record may be torn (vectors/log_tail.h).
  return commit(batch);
}

Status Database::snapshot(const std::filesystem::path& folder) const {
  std::error_code failed;
  if (std::filesystem::exists(folder, failed) || failed) {
    return Error{Code::already_exists, folder.string() + " is there already"};
  }
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(db_.get(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  // Tables are linked or copied, the log is flushed to a table before: what was acknowledged when
  // this is called is in, and of later writes a prefix.
  if (status.ok()) status = checkpoint->CreateCheckpoint(folder.string());
  if (!status.ok()) return from_status(status);
  return ok_status();
}

Status Database::verify() const {
  const rocksdb::Status status = db_->VerifyChecksum();
  if (!status.ok()) return from_status(status);
  return ok_status();
}

Database::View::View(std::shared_ptr<const Database> database)
    : database_(std::move(database)), snapshot_(database_->db_->GetSnapshot()) {}

Database::View::~View() { database_->db_->ReleaseSnapshot(snapshot_); }

std::shared_ptr<const Database::View> Database::current_view() const {
  return std::make_shared<const View>(shared_from_this());
}

Result<std::vector<std::optional<std::string>>> Database::read(const std::vector<std::string>& keys,
                                                               const View* moment) const {
  rocksdb::ReadOptions options;
  if (moment != nullptr) options.snapshot = moment->snapshot_;
  const std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
  std::vector<rocksdb::PinnableSlice> found(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  db_->MultiGet(options, db_->DefaultColumnFamily(), slices.size(), slices.data(), found.data(),
                statuses.data());
  std::vector<std::optional<std::string>> values(keys.size());
  for (std::size_t at = 0; at < keys.size(); ++at) {
    if (statuses[at].IsNotFound()) continue;
    if (!statuses[at].ok()) return from_status(statuses[at]);
    values[at].emplace(found[at].data(), found[at].size());
  }
  return values;
}

Status Database::scan(std::string_view begin, std::string_view end, bool whole, const Visit& visit,
                      const View* moment) const {
  const rocksdb::Slice upper = slice(end);
  rocksdb::ReadOptions read;
  read.iterate_upper_bound = &upper;
  if (moment != nullptr) read.snapshot = moment->snapshot_;
  if (whole) {
    read.readahead_size = kReadaheadBytes;
    read.fill_cache = false;
  }
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(read));
  for (at->Seek(slice(begin)); at->Valid(); at->Next()) {
    SEL_TRY(more, visit(view(at->key()), view(at->value())));
    if (!more) return ok_status();
  }
  if (!at->status().ok()) return from_status(at->status());
  return ok_status();
}

}  // namespace selvedge::vectors
