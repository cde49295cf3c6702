// Tests of damage: disks that fail, logs that end torn, bits that flip. What was acknowledged is
// there, or the store says what is wrong.
#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include "vectors/fixtures.h"
#include "vectors/rocks_store.h"

namespace selvedge::vectors {
namespace {

using fixtures::batch_of;
using Ids = std::vector<std::string>;
namespace fs = std::filesystem;

// Passes everything on to the real disk until told to fail. Then syncs (or appends) of logs fail.
struct Faults {
  bool sync_fails = false;
  bool append_fails = false;
};

class FaultyFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultyFile(std::unique_ptr<rocksdb::FSWritableFile> file, const Faults& faults)
      : FSWritableFileOwnerWrapper(std::move(file)), faults_(faults) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* context) override {
    if (faults_.append_fails) return rocksdb::IOStatus::NoSpace("injected");
    return FSWritableFileOwnerWrapper::Append(data, options, context);
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo& info,
                           rocksdb::IODebugContext* context) override {
    if (faults_.append_fails) return rocksdb::IOStatus::NoSpace("injected");
    return FSWritableFileOwnerWrapper::Append(data, options, info, context);
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* context) override {
    if (faults_.sync_fails) return rocksdb::IOStatus::IOError("injected");
    return FSWritableFileOwnerWrapper::Sync(options, context);
  }

 private:
  const Faults& faults_;
};

class FaultyDisk : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultyDisk(const Faults& faults)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), faults_(faults) {}
  const char* Name() const override { return "FaultyDisk"; }
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* context) override {
    auto status = FileSystemWrapper::NewWritableFile(path, options, file, context);
    if (status.ok() && path.ends_with(".log")) {
      *file = std::make_unique<FaultyFile>(std::move(*file), faults_);
    }
    return status;
  }

 private:
  const Faults& faults_;
};

class DiskFailure : public testing::TestWithParam<bool> {};

TEST_P(DiskFailure, MakesTheIndexReadOnlyUntilReopenedAndLosesNothingAcknowledged) {
  const fixtures::TemporaryFolder folder;
  Faults faults;
  const auto env = rocksdb::NewCompositeEnv(std::make_shared<FaultyDisk>(faults));
  {
    auto store = RocksStore::open(folder.path(), {.env = env.get()}).value();
    ASSERT_TRUE(store->create("a", "docs", "", {1, Metric::euclidean, ""}).ok());
    const auto index = store->find("a", "docs").value();
    ASSERT_TRUE(index->insert(batch_of({{"kept", {1}, "m"}})).ok());
    (GetParam() ? faults.sync_fails : faults.append_fails) = true;
    EXPECT_EQ(index->insert(batch_of({{"lost", {2}}})).error().code, Code::io);
    faults = {};
    // The disk works again; what is on it is not known, so the index stays read-only.
    const auto refused = index->erase(Ids{"kept"});
    EXPECT_EQ(refused.error().code, Code::io);
    EXPECT_NE(refused.error().message.find("\"docs\" is read-only"), std::string::npos);
    EXPECT_EQ(index->stats().vector_count, 1U);
    EXPECT_EQ(index->query(std::vector<float>{0}, {.with_metadata = true}).value().size(), 1U);
    EXPECT_EQ(index->get(Ids{"kept"}).value().size(), 1U);
  }
  auto store = RocksStore::open(folder.path(), {}).value();
  const auto index = store->find("a", "docs").value();
  EXPECT_EQ(index->get(Ids{"kept"}).value().size(), 1U);
  EXPECT_TRUE(index->insert(batch_of({{"next", {3}}})).ok());
}

// Else it would come back as if nothing had happened.
TEST_P(DiskFailure, AnIndexWhoseWriteFailedStaysInMemoryHoweverIdle) {
  const fixtures::TemporaryFolder folder;
  Faults faults;
  const auto env = rocksdb::NewCompositeEnv(std::make_shared<FaultyDisk>(faults));
  RocksStore::Options options;
  options.env = env.get();
  options.idle_after = std::chrono::microseconds(0);
  options.upkeep_pause = std::chrono::milliseconds(1);
  auto store = RocksStore::open(folder.path(), std::move(options)).value();
  ASSERT_TRUE(store->create("a", "docs", "", {1, Metric::euclidean, ""}).ok());
  (GetParam() ? faults.sync_fails : faults.append_fails) = true;
  EXPECT_EQ(store->find("a", "docs").value()->insert(batch_of({{"lost", {2}}})).error().code,
            Code::io);
  faults = {};
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(store->loaded().index_count, 1U);
  EXPECT_EQ(store->loaded().unloaded_count, 0U);
}

INSTANTIATE_TEST_SUITE_P(Kinds, DiskFailure, testing::Bool(),
                         [](const auto& each) { return each.param ? "Sync" : "Append"; });

// The library would try by itself, in the background, and go on with the log that failed.
TEST(FullDisk, StopsTheWritesOfAllIndexesUntilReopenedEvenWhenThereIsSpaceAgain) {
  const fixtures::TemporaryFolder folder;
  Faults faults;
  const auto env = rocksdb::NewCompositeEnv(std::make_shared<FaultyDisk>(faults));
  {
    auto store = RocksStore::open(folder.path(), {.env = env.get()}).value();
    for (const char* name : {"full", "other"}) {
      ASSERT_TRUE(store->create("a", name, "", {1, Metric::euclidean, ""}).ok());
    }
    const auto full = store->find("a", "full").value();
    const auto other = store->find("a", "other").value();
    ASSERT_TRUE(other->insert(batch_of({{"kept", {1}}})).ok());
    faults.append_fails = true;
    EXPECT_EQ(full->insert(batch_of({{"lost", {2}}})).error().code, Code::io);
    faults = {};
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
    while (std::chrono::steady_clock::now() < until) {
      ASSERT_EQ(store->create("a", "third", "", {1, Metric::cosine, ""}).error().code, Code::io);
    }
    EXPECT_EQ(other->insert(batch_of({{"refused", {2}}})).error().code, Code::io);
    EXPECT_EQ(other->get(Ids{"kept"}).value().size(), 1U);
  }
  auto store = RocksStore::open(folder.path(), {}).value();
  EXPECT_EQ(store->list("a").size(), 2U);
  const auto other = store->find("a", "other").value();
  EXPECT_EQ(other->stats().vector_count, 1U);
  EXPECT_TRUE(other->insert(batch_of({{"next", {3}}})).ok());
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return std::move(bytes).str();
}

void write_file(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

constexpr int kWrites = 12;
constexpr std::size_t kPageBytes = 4'096;

std::vector<fixtures::Vector> written(int number) {
  return {{"v" + std::to_string(number), {static_cast<float>(number), 1}, "metadata"},
          {"w" + std::to_string(number), {static_cast<float>(number), 2}, "metadata"}};
}

// A closed store with twelve acknowledged writes of two vectors each, all of them in the log, or
// all flushed into a table.
class Damage : public testing::Test {
 protected:
  void fill(bool flushed) {
    {
      auto opened = fixtures::open_index(pristine_.path(), 2, Metric::euclidean);
      for (int number = 0; number < kWrites; ++number) {
        ASSERT_TRUE(opened.index->insert(batch_of(written(number))).ok());
      }
    }
    if (!flushed) return;
    rocksdb::DB* opened = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, pristine_.path().string(), &opened).ok());
    const std::unique_ptr<rocksdb::DB> db(opened);
    ASSERT_TRUE(db->Flush({}).ok());
  }

  // The largest file whose name has `part` in it.
  fs::path file_named(const std::string& part) const {
    fs::path largest;
    for (const auto& entry : fs::directory_iterator(pristine_.path())) {
      if (entry.path().filename().string().find(part) == std::string::npos) continue;
      if (largest.empty() || entry.file_size() > fs::file_size(largest)) largest = entry.path();
    }
    return largest;
  }

  // One write after the other, with metadata of so many bytes, to the log of a new opening.
  fs::path append_to_new_log(const std::vector<std::size_t>& metadata_bytes) {
    auto store = Store::open(pristine_.path()).value();
    const auto index = store->find("a", "docs").value();
    for (const std::size_t bytes : metadata_bytes) {
      EXPECT_TRUE(index->upsert(batch_of({{"x", {1, 1}, std::string(bytes, 'm')}})).ok());
    }
    return file_named(".log");
  }

  // Opens a copy of the store in which the file `name` is `bytes`.
  Result<std::size_t> writes_found(const fs::path& name, const std::string& bytes) {
    const fixtures::TemporaryFolder copy;
    for (const auto& entry : fs::directory_iterator(pristine_.path())) {
      fs::copy(entry.path(), copy.path() / entry.path().filename());
    }
    write_file(copy.path() / name.filename(), bytes);
    return count_writes(copy.path());
  }

  // How many of the writes are there, from the first on; each must be there whole.
  static Result<std::size_t> count_writes(const fs::path& folder) {
    SEL_TRY(store, Store::open(folder));
    if (store->list("a").empty()) return std::size_t{0};
    SEL_TRY(index, store->find("a", "docs"));
    const IndexStats stats = index->stats();
    EXPECT_EQ(stats.vector_count, stats.mutation * 2);
    for (std::size_t number = 0; number < stats.mutation; ++number) {
      for (const auto& expected : written(static_cast<int>(number))) {
        SEL_TRY(stored, index->get(Ids{expected.id}));
        EXPECT_EQ(stored.size(), 1U);
        if (stored.size() != 1) continue;
        EXPECT_EQ(stored[0].values, expected.values);
        EXPECT_EQ(stored[0].metadata, expected.metadata);
      }
    }
    return static_cast<std::size_t>(stats.mutation);
  }

  fixtures::TemporaryFolder pristine_;
};

TEST_F(Damage, ATornLogGivesAnExactPrefixOfTheWrites) {
  fill(false);
  const fs::path log = file_named(".log");
  const std::string bytes = read_file(log);
  ASSERT_EQ(writes_found(log, bytes).value(), std::size_t{kWrites});
  std::size_t last = 0;
  for (std::size_t size = 0; size < bytes.size(); size += 61) {
    const auto found = writes_found(log, bytes.substr(0, size));
    ASSERT_TRUE(found.ok()) << size << ": " << found.error().message;
    EXPECT_GE(found.value(), last);
    last = found.value();
  }
  EXPECT_EQ(last, std::size_t{kWrites - 1});
}

TEST_F(Damage, ALogWhoseEndIsZerosLosesOnlyWhatIsZero) {
  fill(false);
  const fs::path log = file_named(".log");
  const std::string bytes = read_file(log);
  EXPECT_EQ(writes_found(log, bytes + std::string(4096, '\0')).value(), std::size_t{kWrites});
}

std::string with_zeros(std::string bytes, std::size_t page, std::size_t pages) {
  const std::size_t end = std::min(bytes.size(), (page + pages) * kPageBytes);
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(page * kPageBytes),
            bytes.begin() + static_cast<std::ptrdiff_t>(end), '\0');
  return bytes;
}

// As it is left by a power failure while a large record was on its way to the disk.
TEST_F(Damage, ALastRecordOfTheLogThatLacksPagesIsDroppedAndTheStoreGoesOn) {
  fill(false);
  const fs::path log = append_to_new_log({100'000});
  const std::string bytes = read_file(log);
  for (std::size_t page = 0; page * kPageBytes < bytes.size(); ++page) {
    for (const std::size_t pages : {1U, 3U}) {
      const auto found = writes_found(log, with_zeros(bytes, page, pages));
      ASSERT_TRUE(found.ok()) << page << ", " << pages << ": " << found.error().message;
      EXPECT_EQ(found.value(), std::size_t{kWrites}) << page << ", " << pages;
    }
  }
}

TEST_F(Damage, ARecordOfTheLogThatLacksPagesBeforeAnotherIsReported) {
  fill(false);
  const fs::path log = append_to_new_log({100'000, 10});
  const std::string bytes = read_file(log);
  // The page where the large one ends is that of the small one, too.
  for (std::size_t page = 0; (page + 1) * kPageBytes < 100'000; ++page) {
    const auto found = writes_found(log, with_zeros(bytes, page, 1));
    ASSERT_FALSE(found.ok()) << page;
    EXPECT_EQ(found.error().code, Code::corrupt_data) << found.error().message;
  }
}

TEST_F(Damage, AFlippedBitAnywhereInTheLogIsReported) {
  fill(false);
  const fs::path log = file_named(".log");
  const std::string bytes = read_file(log);
  for (std::size_t at = 0; at < bytes.size(); at += 11) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
    const auto found = writes_found(log, flipped);
    if (found.ok()) {
      ADD_FAILURE() << "offset " << at << ": " << found.value() << " writes";
      continue;
    }
    EXPECT_EQ(found.error().code, Code::corrupt_data) << found.error().message;
  }
}

TEST_F(Damage, AFlippedBitOfATableIsReportedOrChangesNothing) {
  fill(true);
  const fs::path table = file_named(".sst");
  const std::string bytes = read_file(table);
  std::size_t reported = 0;
  std::size_t tried = 0;
  for (std::size_t at = 0; at < bytes.size(); at += 41) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
    const auto found = writes_found(table, flipped);
    ++tried;
    if (found.ok()) {
      EXPECT_EQ(found.value(), std::size_t{kWrites}) << "offset " << at;
    } else {
      EXPECT_EQ(found.error().code, Code::corrupt_data) << found.error().message;
      ++reported;
    }
  }
  EXPECT_GT(reported, tried / 2);
}

TEST_F(Damage, AFlippedBitOfTheManifestIsReported) {
  fill(true);
  const fs::path manifest = file_named("MANIFEST-");
  const std::string bytes = read_file(manifest);
  for (std::size_t at = 0; at < bytes.size(); at += 5) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
    const auto found = writes_found(manifest, flipped);
    ASSERT_FALSE(found.ok()) << "offset " << at << ": " << found.value() << " writes";
    EXPECT_EQ(found.error().code, Code::corrupt_data) << found.error().message;
  }
}

TEST_F(Damage, AMissingFileIsReportedAndNotReplacedByAnEmptyStore) {
  fill(true);
  for (const char* name : {"CURRENT", "MANIFEST-", ".sst"}) {
    const fixtures::TemporaryFolder copy;
    fs::copy(pristine_.path(), copy.path(), fs::copy_options::recursive);
    fs::remove(copy.path() / file_named(name).filename());
    const auto found = count_writes(copy.path());
    ASSERT_FALSE(found.ok()) << name;
    EXPECT_EQ(found.error().code, Code::corrupt_data) << found.error().message;
  }
}

}  // namespace
}  // namespace selvedge::vectors
