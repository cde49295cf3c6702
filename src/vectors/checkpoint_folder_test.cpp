// Tests of checkpoints: an index opens from derived files with exactly what was acknowledged,
// whatever became of the files.
#include "vectors/checkpoint_folder.h"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "vectors/fixtures.h"
#include "vectors/rocks_store.h"

namespace selvedge::vectors {
namespace {

namespace fs = std::filesystem;
using fixtures::batch_of;
using fixtures::ids_of;
using Ids = std::vector<std::string>;

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const fs::path& path, const std::string& bytes) {
  fs::remove(path);  // Whoever has the old one mapped keeps it.
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// One index, beside a model of it in plain maps.
class CheckpointTest : public testing::Test {
 protected:
  struct Stored {
    std::vector<float> values;
    std::string metadata;
    std::optional<std::string> partition;
    bool operator==(const Stored&) const = default;
  };

  static RocksStore::Options eager() {
    RocksStore::Options options;
    options.reader = fixtures::read_pairs;
    options.checkpoints.vectors_min = 20;
    options.checkpoints.changes_min = 60;
    options.checkpoints.changes_at_rest_min = 1;
    options.upkeep_pause = std::chrono::hours(1);  // Only when a test settles or closes.
    return options;
  }
  void open(RocksStore::Options options = eager()) { open(folder_.path(), std::move(options)); }
  void open(const fs::path& folder, RocksStore::Options options = eager()) {
    close();
    auto store = RocksStore::open(folder, std::move(options));
    ASSERT_TRUE(store.ok()) << store.error().message;
    store_ = std::move(store).value();
    if (store_->list("a").empty()) {
      ASSERT_TRUE(store_->create("a", "docs", "", {kDimensions, Metric::euclidean, ""}).ok());
    }
    auto index = store_->find("a", "docs");
    ASSERT_TRUE(index.ok()) << index.error().message;
    index_ = std::move(index).value();
  }
  void close() {
    index_.reset();
    store_.reset();
  }

  void upsert(int count, unsigned ids = 300) {
    std::vector<fixtures::Vector> vectors;
    for (int at = 0; at < count; ++at) {
      std::vector<float> values(kDimensions);
      for (float& value : values) value = normal_(random_);
      fixtures::Vector vector{
          "id-" + std::to_string(random_() % ids), values,
          "kind=k" + std::to_string(random_() % 5) + ";size=#" + std::to_string(random_() % 9)};
      if (random_() % 3 == 0) vector.partition = "p" + std::to_string(random_() % 4);
      vectors.push_back(vector);
    }
    ASSERT_TRUE(index_->upsert(batch_of(vectors)).ok());
    for (const auto& each : vectors) model_[each.id] = {each.values, each.metadata, each.partition};
  }
  void erase(int count, unsigned ids = 300) {
    Ids gone;
    for (int at = 0; at < count; ++at) gone.push_back("id-" + std::to_string(random_() % ids));
    ASSERT_TRUE(index_->erase(gone).ok());
    for (const auto& id : gone) model_.erase(id);
  }

  // Compares what memory and records say with the model.
  void expect_exact(const std::string& what = "") const {
    ASSERT_EQ(index_->stats().vector_count, model_.size()) << what;
    const std::vector<float> query(kDimensions, 0.25F);
    const auto matches = index_->query(query, {.top_k = 1'000, .with_values = true});
    ASSERT_TRUE(matches.ok()) << matches.error().message;
    ASSERT_EQ(matches->size(), model_.size()) << what;
    std::set<std::string> seen;
    for (const Match& match : *matches) {
      const auto known = model_.find(match.id);
      ASSERT_NE(known, model_.end()) << what << ": " << match.id;
      ASSERT_EQ(match.values, known->second.values) << what << ": " << match.id;
      ASSERT_EQ(match.partition, known->second.partition) << what << ": " << match.id;
      ASSERT_TRUE(seen.insert(match.id).second) << what << ": " << match.id;
    }
    for (const auto& index : index_->metadata_indexes()) {
      const PropertyValue value =
          index.type == PropertyType::string ? PropertyValue("k3") : PropertyValue(4.0);
      const std::string written = index.property + (index.property == "kind" ? "=k3" : "=#4");
      QueryOptions options{.top_k = 1'000};
      options.filter = Filter{{{index.property, Comparison::eq, {value}}}};
      std::size_t expected = 0;
      for (const auto& [id, stored] : model_) {
        expected += (stored.metadata + ";").find(written + ";") != std::string::npos ? 1U : 0U;
      }
      ASSERT_EQ(ids_of(index_->query(query, options)).size(), expected) << what << ": " << written;
    }
  }
  bool from_checkpoint() const { return index_->internals().mapped_bytes > 0; }

  fs::path derived() const { return folder_.path() / "derived" / "1"; }
  std::vector<fs::path> files(const fs::path& folder) const {
    std::vector<fs::path> found;
    if (!fs::exists(folder)) return found;
    for (const auto& entry : fs::directory_iterator(folder)) found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
  }
  // Of the mutations that wait for a checkpoint.
  static std::size_t logged(const fs::path& folder) {
    const auto database = Database::open(folder, nullptr);
    EXPECT_TRUE(database.ok());
    std::size_t count = 0;
    EXPECT_TRUE((*database)
                    ->scan(layout::log_key(1, 0), layout::log_end(1), false,
                           [&count](std::string_view, std::string_view) -> Result<bool> {
                             ++count;
                             return true;
                           })
                    .ok());
    return count;
  }

  static constexpr std::uint32_t kDimensions = 24;
  fixtures::TemporaryFolder folder_;
  std::atomic<std::int64_t> now_us_ = 1;  // Of stores that a test gives it.
  std::unique_ptr<Store> store_;
  std::shared_ptr<Index> index_;
  std::map<std::string, Stored> model_;
  std::mt19937 random_{17};
  std::normal_distribution<float> normal_;
};

TEST_F(CheckpointTest, AClosedIndexOpensFromItsCheckpointWithExactContents) {
  open();
  for (int round = 0; round < 12; ++round) {
    upsert(40);
    erase(15);
  }
  close();
  ASSERT_EQ(files(derived()).size(), 2U);
  open();
  EXPECT_TRUE(from_checkpoint());
  expect_exact();
}

TEST_F(CheckpointTest, WhatWasWrittenSinceTheCheckpointIsThereToo) {
  open();
  upsert(200);
  index_->settle();
  ASSERT_EQ(files(derived()).size(), 2U);
  auto options = eager();
  options.checkpoints.changes_at_rest_min = 100'000;
  for (int round = 0; round < 10; ++round) {
    open(options);
    EXPECT_TRUE(from_checkpoint());
    expect_exact("round " + std::to_string(round));
    upsert(5);
    erase(4);
    ASSERT_TRUE(index_->upsert({}).ok());
    expect_exact("written, round " + std::to_string(round));
  }
}

TEST_F(CheckpointTest, EndlessChangesAndOpeningsKeepSlotsFilesAndLogSmall) {
  open();
  upsert(300);
  std::uint64_t slots = 0;
  for (int round = 0; round < 30; ++round) {
    for (int part = 0; part < 4; ++part) {
      upsert(30);
      erase(10);
    }
    index_->settle();
    if (round % 3 == 0) open();
    expect_exact("round " + std::to_string(round));
    const Internals internals = index_->internals();
    const std::uint64_t now = internals.dead_count + model_.size();
    if (round == 9) slots = now;
    if (round > 9) {
      EXPECT_LE(now, slots + 64);
    }
    EXPECT_LE(files(derived()).size(), 2U);
  }
  close();
  EXPECT_EQ(logged(folder_.path()), 0U);
}

TEST_F(CheckpointTest, MetadataIndexesThatChangedSinceAreFilledFromTheRecords) {
  open();
  ASSERT_TRUE(index_->create_metadata_index("kind", PropertyType::string, true, 10).ok());
  upsert(150);
  close();
  auto options = eager();
  options.checkpoints.changes_at_rest_min = 100'000;
  open(options);
  expect_exact("kind alone");
  ASSERT_TRUE(index_->create_metadata_index("size", PropertyType::number, true, 10).ok());
  upsert(10);
  open(options);
  EXPECT_TRUE(from_checkpoint());
  EXPECT_EQ(index_->metadata_indexes().size(), 2U);
  expect_exact("both");
  ASSERT_TRUE(index_->delete_metadata_index("kind").ok());
  upsert(10);
  open();
  EXPECT_TRUE(from_checkpoint());
  expect_exact("size alone");
  upsert(10);
  open();
  expect_exact("saved");
}

TEST_F(CheckpointTest, EveryKindOfPropertyIsFoundAsBefore) {
  open();
  ASSERT_TRUE(index_->create_metadata_index("tags", PropertyType::string, true, 10).ok());
  ASSERT_TRUE(index_->create_metadata_index("size", PropertyType::number, true, 10).ok());
  ASSERT_TRUE(index_->create_metadata_index("done", PropertyType::boolean, true, 10).ok());
  const std::vector<std::string> written = {"tags=[red,blue];size=[#2.5,#1]",
                                            "tags=reddish;size=#2.5;done=?true",
                                            "done=?false",
                                            "tags=[];size=#0",
                                            "tags=[blue];size=[#-4]",
                                            "x=y"};
  std::vector<fixtures::Vector> vectors;
  for (std::size_t at = 0; at < 60; ++at) {
    vectors.push_back({"id-" + std::to_string(at), std::vector<float>(kDimensions, 1.0F),
                       written[at % written.size()]});
  }
  ASSERT_TRUE(index_->insert(batch_of(vectors)).ok());
  const std::vector<Condition> asked = {
      {"tags", Comparison::contains, {std::string("red")}},
      {"tags", Comparison::contains, {std::string("blue")}},
      {"tags", Comparison::eq, {std::string("reddish")}},
      {"tags", Comparison::exists, {true}},
      {"size", Comparison::contains, {2.5}},
      {"size", Comparison::contains, {-4.0}},
      {"size", Comparison::gte, {0.0}},
      {"size", Comparison::exists, {true}},
      {"done", Comparison::eq, {false}},
      {"done", Comparison::exists, {true}},
  };
  const std::vector<std::size_t> counts = {20, 20, 10, 30, 10, 10, 20, 40, 10, 20};
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(from_checkpoint(), round > 0);
    for (std::size_t at = 0; at < asked.size(); ++at) {
      QueryOptions options{.top_k = 100};
      options.filter = Filter{{asked[at]}};
      const std::vector<float> query(kDimensions, 1.0F);
      EXPECT_EQ(ids_of(index_->query(query, options)).size(), counts[at]) << round << ", " << at;
    }
    ASSERT_TRUE(index_->upsert(batch_of({vectors[1], vectors[0]})).ok());  // Saved again.
    open();
  }
}

TEST_F(CheckpointTest, ASmallIndexHasNeitherFilesNorALog) {
  open();
  upsert(10);
  index_->settle();
  close();
  EXPECT_TRUE(files(derived()).empty());
  EXPECT_EQ(logged(folder_.path()), 0U);
  open();
  EXPECT_FALSE(from_checkpoint());
  expect_exact();
}

// Cuts, flips and removals of any derived file, each on a copy of the whole folder.
class DamagedCheckpointTest : public CheckpointTest {
 protected:
  void SetUp() override {
    auto options = eager();
    options.checkpoints.changes_at_rest_min = 100'000;
    open(options);
    ASSERT_TRUE(index_->create_metadata_index("kind", PropertyType::string, true, 10).ok());
    upsert(120, 90);
    erase(20, 90);
    upsert(10, 90);
    index_->settle();
    upsert(3, 90);
    erase(3, 90);
    close();
  }
  // Opens a copy whose derived file `name` has these bytes instead.
  void expect_exact_with(const std::string& name, const std::optional<std::string>& bytes,
                         const std::string& what) {
    const fixtures::TemporaryFolder copy;
    fs::copy(folder_.path(), copy.path(), fs::copy_options::recursive);
    const fs::path path = copy.path() / "derived" / "1" / name;
    ASSERT_TRUE(fs::exists(path));
    if (bytes) {
      write_file(path, *bytes);
    } else {
      fs::remove(path);
    }
    open(copy.path());
    ASSERT_NO_FATAL_FAILURE(expect_exact(what));
    upsert(1, 90);
    open(copy.path());
    ASSERT_NO_FATAL_FAILURE(expect_exact(what + ", again"));
    close();
    fs::remove_all(copy.path());
    model_ = original_;
  }
  void each_file(const std::function<void(const std::string&, const std::string&)>& visit) {
    original_ = model_;
    const auto found = files(derived());
    ASSERT_EQ(found.size(), 2U);
    for (const fs::path& path : found) visit(path.filename().string(), read_file(path));
  }
  std::map<std::string, Stored> original_;
};

TEST_F(DamagedCheckpointTest, AFileCutAnywhereCostsTimeAndNothingElse) {
  each_file([this](const std::string& name, const std::string& bytes) {
    for (std::size_t length = 0; length < bytes.size();
         length += bytes.size() / 40 / 64 * 64 + 64) {
      ASSERT_NO_FATAL_FAILURE(expect_exact_with(name, bytes.substr(0, length),
                                                name + " cut at " + std::to_string(length)));
    }
    ASSERT_NO_FATAL_FAILURE(expect_exact_with(name, std::nullopt, name + " removed"));
    ASSERT_NO_FATAL_FAILURE(expect_exact_with(name, bytes + "more", name + " lengthened"));
  });
}

TEST_F(DamagedCheckpointTest, FlippedBitsCostTimeAndNothingElse) {
  each_file([this](const std::string& name, const std::string& bytes) {
    for (std::size_t at = 3; at < bytes.size(); at += bytes.size() / 50 + 1) {
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
      ASSERT_NO_FATAL_FAILURE(
          expect_exact_with(name, flipped, name + " flipped at " + std::to_string(at)));
    }
  });
}

TEST_F(DamagedCheckpointTest, LargeValuesAreVerifiedAfterOpeningAndRepairedInPlace) {
  const auto found = files(derived());
  const fs::path values = found[1];
  ASSERT_TRUE(values.filename().string().starts_with("values-"));
  std::string bytes = read_file(values);
  for (std::size_t at = 0; at < bytes.size(); at += 100) bytes[at] = 'x';
  write_file(values, bytes);
  auto options = eager();
  options.checkpoints.verify_at_open_bytes_max = 0;
  open(options);
  EXPECT_TRUE(from_checkpoint());
  upsert(5, 90);  // In rows of the damaged file's memory.
  index_->settle();
  expect_exact("repaired");
  upsert(100, 90);
  open();
  EXPECT_TRUE(from_checkpoint());
  expect_exact("saved again");
}

// As a disk that fails while a page is read for the first time.
TEST_F(DamagedCheckpointTest, ValuesThatTheDiskDoesNotGiveLaterAreReadFromTheRecords) {
  const fs::path values = files(derived())[1];
  const auto bytes = fs::file_size(values);
  for (const auto left : {std::uintmax_t{0}, bytes / 2}) {
    auto options = eager();
    options.checkpoints.verify_at_open_bytes_max = 0;
    const fixtures::TemporaryFolder copy;
    fs::copy(folder_.path(), copy.path(), fs::copy_options::recursive);
    open(copy.path(), options);
    EXPECT_TRUE(from_checkpoint());
    fs::resize_file(copy.path() / "derived" / "1" / values.filename(), left);
    expect_exact("cut to " + std::to_string(left));
    const auto before = model_;
    upsert(5, 90);
    expect_exact("written to");
    index_->settle();
    expect_exact("settled");
    upsert(5, 90);
    open(copy.path());
    EXPECT_TRUE(from_checkpoint());
    expect_exact("saved again");
    close();
    model_ = before;
  }
}

// Their pages go, too, where they share one with rows of the file.
TEST_F(DamagedCheckpointTest, RowsFilledSinceAreReadFromTheRecordsAsWell) {
  const fs::path values = files(derived())[1];
  auto options = eager();
  options.checkpoints.verify_at_open_bytes_max = 0;
  open(folder_.path(), options);
  ASSERT_TRUE(from_checkpoint());
  upsert(60, 3'000);
  expect_exact("filled");
  fs::resize_file(derived() / values.filename(), 0);
  index_->settle();
  expect_exact("settled");
  upsert(5, 90);
  index_->settle();
  open();
  expect_exact("opened again");
}

TEST_F(DamagedCheckpointTest, FilesOfAnotherTimeAreNotTaken) {
  const fixtures::TemporaryFolder before;
  fs::copy(folder_.path(), before.path(), fs::copy_options::recursive);
  open();
  upsert(100, 90);
  close();
  // Yesterday's records beside today's files.
  fs::remove_all(before.path() / "derived");
  fs::copy(folder_.path() / "derived", before.path() / "derived", fs::copy_options::recursive);
  open(before.path());
  EXPECT_FALSE(from_checkpoint());
  EXPECT_NE(index_->stats().vector_count, 0U);
  const auto listed = index_->list("", 1'000).value();
  EXPECT_EQ(ids_of(index_->query(std::vector<float>(kDimensions, 0.0F), {.top_k = 1'000})).size(),
            listed.ids.size());
  close();
}

TEST_F(CheckpointTest, WhereNoFileCanBeWrittenTheIndexGoesOnAndTriesAgain) {
  auto options = eager();
  options.steady_us = [this] { return now_us_.load(); };
  open(options);
  write_file(folder_.path() / "derived", "in the way");
  upsert(200);
  index_->settle();
  expect_exact("first failure");
  upsert(200);
  fs::remove(folder_.path() / "derived");
  index_->settle();
  EXPECT_TRUE(files(derived()).empty());  // Too early.
  now_us_ += std::chrono::microseconds(options.checkpoints.retry_after).count();
  index_->settle();
  EXPECT_EQ(files(derived()).size(), 2U);
  open();
  EXPECT_TRUE(from_checkpoint());
  expect_exact("second");
}

TEST_F(CheckpointTest, ALogThatIsLongerThanTheIndexIsGivenUpWithItsCheckpoint) {
  auto options = eager();
  options.steady_us = [this] { return now_us_.load(); };
  options.checkpoints.changes_at_rest_min = 100'000;
  open(options);
  upsert(200);
  index_->settle();
  ASSERT_EQ(files(derived()).size(), 2U);
  fs::create_directories(derived() / "index.new" / "in the way");
  for (int round = 0; round < 12 && fs::exists(derived()); ++round) {
    now_us_ += std::chrono::microseconds(options.checkpoints.retry_after).count();
    upsert(50);
    index_->settle();
    expect_exact("round " + std::to_string(round));
  }
  EXPECT_FALSE(fs::exists(derived()));
  upsert(5);
  const fixtures::TemporaryFolder copy;
  fs::copy(folder_.path(), copy.path(), fs::copy_options::recursive);
  close();
  EXPECT_EQ(logged(copy.path()), 0U);
  open(copy.path(), options);
  EXPECT_FALSE(from_checkpoint());
  expect_exact("read from the records");
  open(options);
  EXPECT_TRUE(from_checkpoint());  // Saved when it was closed.
  expect_exact("saved again");
}

TEST_F(CheckpointTest, AnIndexThatRestsIsSavedWhileTheStoreIsOpen) {
  auto options = eager();
  options.steady_us = [this] { return now_us_.load(); };
  options.checkpoints.changes_min = 10'000;
  options.checkpoints.changes_at_rest_min = 50;
  open(options);
  upsert(200);
  index_->settle();
  EXPECT_TRUE(files(derived()).empty());
  now_us_ += std::chrono::microseconds(options.checkpoints.rest).count();
  index_->settle();
  const auto first = files(derived());
  EXPECT_EQ(first.size(), 2U);
  upsert(20);  // Too few.
  index_->settle();
  now_us_ += std::chrono::microseconds(options.checkpoints.rest).count();
  index_->settle();
  EXPECT_EQ(files(derived()), first);
  upsert(40);
  index_->settle();
  now_us_ += std::chrono::microseconds(options.checkpoints.rest).count();
  index_->settle();
  EXPECT_NE(files(derived()), first);
  expect_exact();
}

// A disk that is full, at each of the files in turn.
TEST_F(CheckpointTest, WhenTheDiskIsFullTheCheckpointBeforeStays) {
  auto options = eager();
  options.steady_us = [this] { return now_us_.load(); };
  options.checkpoints.changes_min = 100;  // Of which the log may hold four times as many.
  options.checkpoints.changes_at_rest_min = 100'000;
  open(options);
  upsert(200);
  index_->settle();
  const auto before = files(derived());
  ASSERT_EQ(before.size(), 2U);
  for (const char* name : {"values-0-2", "index.new"}) {
    upsert(200);
    fs::create_symlink("/dev/full", derived() / name);
    index_->settle();
    EXPECT_FALSE(fs::is_symlink(derived() / name));
    EXPECT_EQ(files(derived()), before) << name;
    expect_exact(name);
    open(options);
    EXPECT_TRUE(from_checkpoint());
    expect_exact(std::string("opened after ") + name);
  }
  upsert(200);
  index_->settle();
  EXPECT_NE(files(derived()), before);
  open(options);
  EXPECT_TRUE(from_checkpoint());
  expect_exact("room again");
}

// What is on disk at some moment is what a crash at that moment leaves.
TEST_F(CheckpointTest, AfterACrashAtAnyMomentTheIndexOpensWithAllThatWasAcknowledged) {
  std::vector<std::unique_ptr<fixtures::TemporaryFolder>> copies;
  std::vector<std::map<std::string, Stored>> models;
  const auto crash = [&] {
    copies.push_back(std::make_unique<fixtures::TemporaryFolder>());
    fs::copy(folder_.path(), copies.back()->path(), fs::copy_options::recursive);
    models.push_back(model_);
  };
  open();
  upsert(200);
  crash();
  for (int round = 0; round < 3; ++round) {
    index_->settle();
    crash();
    upsert(20);
    erase(5);
    crash();
    // New files, of which the database does not know, beside those that count.
    write_file(copies.back()->path() / "derived" / "1" / "index.new", "half");
    write_file(copies.back()->path() / "derived" / "1" / "values-0-9", "half");
    upsert(200);
  }
  for (std::size_t at = 0; at < copies.size(); ++at) {
    model_ = models[at];
    open(copies[at]->path());
    EXPECT_EQ(from_checkpoint(), at > 0);
    ASSERT_NO_FATAL_FAILURE(expect_exact("crash " + std::to_string(at)));
    upsert(100);
    index_->settle();
    EXPECT_LE(files(copies[at]->path() / "derived" / "1").size(), 2U);
    open(copies[at]->path());
    EXPECT_TRUE(from_checkpoint());
    ASSERT_NO_FATAL_FAILURE(expect_exact("crash " + std::to_string(at) + ", saved"));
    close();
  }
}

TEST(CheckpointFolder, KeepsTheSectionsOfOthers) {
  const fixtures::TemporaryFolder folder;
  const IndexConfig config{16, Metric::cosine, ""};
  Rows rows(16);
  rows.put("a", std::vector<float>(16, 1.0F), std::nullopt, 1, {});
  CheckpointContent content;
  content.snapshot = rows.snapshot({1, 1, 0}, std::make_shared<const Properties>());
  content.filled = rows.filled();
  content.add_sections = [](CheckpointWriter& writer) {
    return writer.add("graph", std::string(3'000'000, 'g'));
  };
  CheckpointFolder written(folder.path() / "derived" / "1", 1, config);
  const auto checkpoint = written.write(content, {});
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  written.accept();
  CheckpointFolder opened(folder.path() / "derived" / "1", 1, config);
  const auto file = opened.open(*checkpoint);
  ASSERT_TRUE(file.ok()) << file.error().message;
  opened.clear();  // What is mapped stays.
  EXPECT_EQ((*file)->section("graph"), std::string(3'000'000, 'g'));
  EXPECT_EQ((*file)->section("born")->size(), sizeof(MutationNumber));

  content.add_sections = [](CheckpointWriter&) -> Status { return Error{Code::io, "injected"}; };
  EXPECT_EQ(opened.write(content, {}).error().message, "injected");
}

TEST_F(CheckpointTest, AWriterIsNotHeldUpAndACheckpointUnderWritesIsExact) {
  open();
  upsert(200);
  std::atomic<bool> stop = false;
  std::thread saver([&] {
    while (!stop) index_->settle();
  });
  for (int round = 0; round < 100; ++round) {
    upsert(20);
    erase(5);
  }
  stop = true;
  saver.join();
  expect_exact("before");
  open();
  EXPECT_TRUE(from_checkpoint());
  expect_exact("after");
}

TEST_F(CheckpointTest, ADroppedIndexLeavesNoFilesNorDoesOneThatNobodyKnows) {
  open();
  upsert(200);
  index_->settle();
  ASSERT_FALSE(files(derived()).empty());
  ASSERT_TRUE(store_->drop("a", "docs").ok());
  index_.reset();
  EXPECT_FALSE(fs::exists(derived()));
  store_.reset();
  fs::create_directories(folder_.path() / "derived" / "99");
  write_file(folder_.path() / "derived" / "99" / "index-1", "x");
  model_.clear();
  open();
  EXPECT_FALSE(fs::exists(folder_.path() / "derived" / "99"));
  expect_exact();
}

TEST_F(CheckpointTest, AnIdleIndexIsUnloadedAndComesBackWhenAskedFor) {
  auto options = eager();
  options.steady_us = [this] { return now_us_.load(); };
  options.upkeep_pause = std::chrono::milliseconds(1);
  options.idle_after = std::chrono::minutes(10);
  open(options);
  upsert(200);
  const std::weak_ptr<Index> seen = index_;
  now_us_ += std::int64_t{3'600} * 1'000'000;
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_FALSE(seen.expired());  // Held.
  index_ = store_->find("a", "docs").value();
  index_.reset();
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_FALSE(seen.expired());  // Just used.
  now_us_ += std::int64_t{3'600} * 1'000'000;
  for (int wait = 0; wait < 5'000 && !seen.expired(); ++wait) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_TRUE(seen.expired());
  EXPECT_EQ(store_->loaded().unloaded_count, 1U);
  EXPECT_EQ(store_->loaded().index_count, 0U);
  index_ = store_->find("a", "docs").value();
  EXPECT_TRUE(from_checkpoint());
  expect_exact();
}

TEST_F(CheckpointTest, ASmallIdleIndexIsUnloadedWithoutFiles) {
  auto options = eager();
  options.upkeep_pause = std::chrono::milliseconds(1);
  options.idle_after = std::chrono::microseconds(0);
  open(options);
  upsert(10);
  const std::weak_ptr<Index> seen = index_;
  index_.reset();
  for (int wait = 0; wait < 5'000 && !seen.expired(); ++wait) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_TRUE(seen.expired());
  EXPECT_TRUE(files(derived()).empty());
  index_ = store_->find("a", "docs").value();
  expect_exact();
}

// Whoever comes while an index leaves gets it as it was, and no write is lost.
TEST_F(CheckpointTest, AnIndexThatComesAndGoesAllTheTimeLosesNothing) {
  auto options = eager();
  options.upkeep_pause = std::chrono::milliseconds(0);
  options.idle_after = std::chrono::microseconds(0);
  open(options);
  upsert(100);
  std::atomic<bool> stop = false;
  std::thread reader([&] {
    const std::vector<float> query(kDimensions, 0.25F);
    while (!stop) {
      const auto index = store_->find("a", "docs").value();
      EXPECT_EQ(ids_of(index->query(query, {.top_k = 10})).size(), 10U);
    }
  });
  for (int round = 0; round < 200; ++round) {
    index_.reset();
    index_ = store_->find("a", "docs").value();
    upsert(3);
    if (round % 20 == 0) expect_exact("round " + std::to_string(round));
    if (round % 10 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  stop = true;
  reader.join();
  expect_exact("at the end");
  open();
  expect_exact("opened again");
}

}  // namespace
}  // namespace selvedge::vectors
