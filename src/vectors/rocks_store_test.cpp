// Tests of the store: names, reopening, and agreement with a model kept in plain maps.
#include "vectors/rocks_store.h"

#include <limits>
#include <map>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "vectors/fixtures.h"

namespace selvedge::vectors {
namespace {

using fixtures::batch_of;
using fixtures::ids_of;
using fixtures::open_store;
using Ids = std::vector<std::string>;

const IndexConfig kConfig{2, Metric::cosine, "preset"};

class RocksStoreTest : public testing::Test {
 protected:
  void SetUp() override { reopen(); }
  void reopen() {
    store_.reset();
    store_ = open_store(folder_.path());
  }
  Index& find(const std::string& name) {
    held_ = store_->find("a", name).value();
    return *held_;
  }

  fixtures::TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
  std::shared_ptr<Index> held_;
};

TEST_F(RocksStoreTest, AnIndexIsDescribedAsItWasCreated) {
  const auto made = store_->create("a", "docs", "my texts", kConfig).value();
  EXPECT_EQ(made.name, "docs");
  EXPECT_GT(made.created_us, 1'600'000'000'000'000);
  EXPECT_EQ(made.created_us, made.modified_us);
  reopen();
  const auto listed = store_->list("a");
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].description, "my texts");
  EXPECT_EQ(listed[0].config.dimensions, 2U);
  EXPECT_EQ(listed[0].config.preset, "preset");
  EXPECT_EQ(listed[0].serial, made.serial);
  EXPECT_EQ(listed[0].created_us, made.created_us);
}

TEST_F(RocksStoreTest, TheRecallOfAnIndexOutlivesTheStoreAndGoesWithTheIndex) {
  ASSERT_TRUE(store_->create("a", "docs", "", kConfig).ok());
  ASSERT_TRUE(store_->create("a", "other", "", kConfig).ok());
  EXPECT_EQ(find("docs").recall(), kRecallDefault);
  ASSERT_TRUE(find("docs").set_recall(0.75F).ok());
  EXPECT_EQ(find("docs").recall(), 0.75F);
  EXPECT_EQ(find("docs").delayed(std::chrono::seconds(1))->recall(), 0.75F);
  EXPECT_EQ(find("docs").stats().mutation, 0U) << "it is no mutation";
  held_.reset();
  reopen();
  EXPECT_EQ(find("docs").recall(), 0.75F);
  EXPECT_EQ(find("other").recall(), kRecallDefault);
  find("docs");
  ASSERT_TRUE(store_->drop("a", "docs").ok());
  const Status late = held_->set_recall(0.5F);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, Code::index_not_found);
  ASSERT_TRUE(store_->create("a", "docs", "", kConfig).ok());
  EXPECT_EQ(find("docs").recall(), kRecallDefault);
}

TEST_F(RocksStoreTest, ARecallThatIsNoShareIsRefusedAndTheOldOneStays) {
  ASSERT_TRUE(store_->create("a", "docs", "", kConfig).ok());
  for (const float wrong : {-0.1F, 1.1F, std::numeric_limits<float>::quiet_NaN()}) {
    const Status set = find("docs").set_recall(wrong);
    ASSERT_FALSE(set.ok()) << wrong;
    EXPECT_EQ(set.error().code, Code::invalid_input);
  }
  EXPECT_EQ(find("docs").recall(), kRecallDefault);
}

TEST_F(RocksStoreTest, OnlyIndexesInMemoryCountAsLoaded) {
  ASSERT_TRUE(store_->create("a", "docs", "", kConfig).ok());
  ASSERT_TRUE(store_->create("b", "docs", "", kConfig).ok());
  EXPECT_EQ(store_->loaded().index_count, 0U);
  ASSERT_TRUE(find("docs").insert(batch_of({{"x", {1, 0}}})).ok());
  EXPECT_EQ(store_->loaded().index_count, 1U);
  const Internals one = find("docs").internals();
  EXPECT_GT(one.values_bytes, 0U);
  EXPECT_EQ(store_->loaded().internals.values_bytes, one.values_bytes);
  const auto second = store_->find("b", "docs").value();
  ASSERT_TRUE(second->insert(batch_of({{"x", {1, 0}}})).ok());
  EXPECT_EQ(store_->loaded().internals.values_bytes,
            one.values_bytes + second->internals().values_bytes);
  ASSERT_TRUE(store_->drop("a", "docs").ok());
  EXPECT_EQ(store_->loaded().index_count, 1U) << "though somebody holds the dropped one";
  EXPECT_EQ(store_->loaded().internals.values_bytes, second->internals().values_bytes);
}

TEST_F(RocksStoreTest, AccountsAreSeparateSpacesOfNamesAndListsAreSorted) {
  ASSERT_TRUE(store_->create("ab", "c", "", kConfig).ok());
  ASSERT_TRUE(store_->create("a", "z", "", kConfig).ok());
  ASSERT_TRUE(store_->create("a", "bc", "", kConfig).ok());
  reopen();
  ASSERT_EQ(store_->list("a").size(), 2U);
  EXPECT_EQ(store_->list("a")[0].name, "bc");
  EXPECT_EQ(store_->list("ab").size(), 1U);
  EXPECT_TRUE(store_->list("abc").empty());
  EXPECT_EQ(store_->find("ab", "bc").error().code, Code::index_not_found);
}

TEST_F(RocksStoreTest, NamesAndDimensionsOutOfRangeAreRefused) {
  for (const std::string& name : {std::string(), std::string(65, 'n'), std::string("a/b"),
                                  std::string("a\nb"), std::string("a\0b", 3)}) {
    EXPECT_EQ(store_->create("a", name, "", kConfig).error().code, Code::index_config_invalid);
  }
  EXPECT_TRUE(store_->create("a", std::string(64, 'n'), "", kConfig).ok());
  EXPECT_TRUE(store_->create("a", "\xE7\x9F\xA5 ..", "", kConfig).ok());
  EXPECT_EQ(store_->create("a", "n", "", {0, Metric::cosine, ""}).error().code,
            Code::index_config_invalid);
  EXPECT_EQ(store_->create("a", "n", "", {4097, Metric::cosine, ""}).error().code,
            Code::index_config_invalid);
  EXPECT_TRUE(store_->create("a", "n", "", {4096, Metric::cosine, ""}).ok());
  EXPECT_EQ(store_->create("a", "n", "", kConfig).error().code, Code::index_already_exists);
}

TEST_F(RocksStoreTest, ARecreatedNameShowsNoneOfTheOldVectors) {
  const auto first = store_->create("a", "docs", "", kConfig).value();
  ASSERT_TRUE(find("docs").insert(batch_of({{"old", {1, 0}, "m"}})).ok());
  held_.reset();
  ASSERT_TRUE(store_->drop("a", "docs").ok());
  EXPECT_EQ(store_->find("a", "docs").error().code, Code::index_deleted);
  EXPECT_EQ(store_->drop("a", "docs").error().code, Code::index_deleted);
  const auto second = store_->create("a", "docs", "", {3, Metric::euclidean, ""}).value();
  EXPECT_NE(first.serial, second.serial);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(find("docs").stats().vector_count, 0U);
    EXPECT_TRUE(find("docs").get(Ids{"old"}).value().empty());
    EXPECT_TRUE(find("docs").list("", 10).value().ids.empty());
    held_.reset();
    reopen();
  }
}

TEST_F(RocksStoreTest, AHeldPointerReadsADroppedIndexAndItsWritesAreRefused) {
  ASSERT_TRUE(store_->create("a", "docs", "", kConfig).ok());
  Index& index = find("docs");
  ASSERT_TRUE(index.insert(batch_of({{"v", {1, 0}, "m"}})).ok());
  ASSERT_TRUE(store_->drop("a", "docs").ok());
  ASSERT_TRUE(store_->create("a", "docs", "", kConfig).ok());
  const auto matches = index.query(std::vector<float>{1, 0}, {.with_metadata = true}).value();
  ASSERT_EQ(matches.size(), 1U);
  EXPECT_EQ(matches[0].metadata, "m");
  EXPECT_EQ(index.insert(batch_of({{"w", {1, 0}}})).error().code, Code::index_not_found);
  EXPECT_EQ(index.erase(Ids{"v"}).error().code, Code::index_not_found);
  EXPECT_EQ(index.stats().vector_count, 1U);
}

TEST_F(RocksStoreTest, ADropThatWasCutOffIsFinishedAtTheNextOpening) {
  ASSERT_TRUE(store_->create("a", "docs", "", kConfig).ok());
  const auto serial = store_->list("a")[0].serial;
  ASSERT_TRUE(find("docs").insert(batch_of({{"v", {1, 0}}})).ok());
  ASSERT_TRUE(store_->drop("a", "docs").ok());
  // The held pointer keeps the records; a crash here would leave them and their marker.
  const auto copy = folder_.path().string() + "-copy";
  std::filesystem::copy(folder_.path(), copy, std::filesystem::copy_options::recursive);
  {
    auto store = open_store(copy);
    EXPECT_TRUE(store->list("a").empty());
  }
  {
    auto database = Database::open(copy, nullptr).value();
    std::size_t records = 0;
    ASSERT_TRUE(database
                    ->scan(layout::record_prefix(serial), layout::record_end(serial), true,
                           [&](std::string_view, std::string_view) -> Result<bool> {
                             ++records;
                             return true;
                           })
                    .ok());
    EXPECT_EQ(records, 0U);
  }
  std::filesystem::remove_all(copy);
}

TEST_F(RocksStoreTest, ADroppedNameIsRememberedUntilItIsCreatedAgain) {
  ASSERT_TRUE(store_->create("a", "docs", "", kConfig).ok());
  ASSERT_TRUE(store_->drop("a", "docs").ok());
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(store_->find("a", "docs").error().code, Code::index_deleted);
    EXPECT_EQ(store_->describe("a", "docs", "").error().code, Code::index_deleted);
    EXPECT_EQ(store_->find("ado", "cs").error().code, Code::index_not_found);
    EXPECT_EQ(store_->count("a"), 0U);
    reopen();
  }
  ASSERT_TRUE(store_->create("a", "docs", "", kConfig).ok());
  reopen();
  EXPECT_TRUE(store_->find("a", "docs").ok());
  EXPECT_EQ(store_->count("a"), 1U);
}

TEST_F(RocksStoreTest, OnlyTheNewestDroppedNamesAreRemembered) {
  store_.reset();
  const RocksStore::Options options{.deleted_names_max = 2};
  store_ = RocksStore::open(folder_.path(), options).value();
  for (const std::string name : {"z", "b", "c"}) {
    ASSERT_TRUE(store_->create("a", name, "", kConfig).ok());
    ASSERT_TRUE(store_->drop("a", name).ok());
  }
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(store_->find("a", "z").error().code, Code::index_not_found);
    EXPECT_EQ(store_->find("a", "b").error().code, Code::index_deleted);
    EXPECT_EQ(store_->find("a", "c").error().code, Code::index_deleted);
    store_.reset();
    store_ = RocksStore::open(folder_.path(), options).value();
  }
}

TEST_F(RocksStoreTest, ADescriptionIsReplacedForEveryoneAndForGood) {
  const auto made = store_->create("a", "docs", "first", kConfig).value();
  const Index& index = find("docs");
  const IndexDescription& before = index.description();
  const auto changed = store_->describe("a", "docs", "second").value();
  EXPECT_GT(changed.modified_us, made.modified_us);
  EXPECT_EQ(before.description, "first");
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(find("docs").description().description, "second");
    EXPECT_EQ(store_->list("a")[0].description, "second");
    EXPECT_EQ(store_->list("a")[0].modified_us, changed.modified_us);
    EXPECT_EQ(store_->list("a")[0].created_us, made.created_us);
    held_.reset();
    reopen();
  }
  EXPECT_EQ(store_->describe("a", "other", "").error().code, Code::index_not_found);
  EXPECT_EQ(store_->describe("a", "docs", std::string(1'025, 'd')).error().code,
            Code::index_config_invalid);
}

TEST_F(RocksStoreTest, ASecondOpeningIsRefusedAndTheMessageNamesTheFolder) {
  const auto second = Store::open(folder_.path());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::unavailable);
  EXPECT_NE(second.error().message.find(folder_.path().string()), std::string::npos);
}

TEST_F(RocksStoreTest, AFolderThatCannotBeMadeIsAnError) {
  EXPECT_EQ(Store::open("/proc/no/such/folder").error().code, Code::io);
}

TEST_F(RocksStoreTest, ConcurrentWritersOfDifferentIndexesAllCount) {
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([this, writer] {
      const std::string name = std::to_string(writer);
      ASSERT_TRUE(store_->create("a", name, "", kConfig).ok());
      const auto index = store_->find("a", name).value();
      for (int at = 0; at < 20; ++at) {
        ASSERT_TRUE(index->insert(batch_of({{std::to_string(at), {1, 2}}})).ok());
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  reopen();
  for (int writer = 0; writer < 4; ++writer) {
    EXPECT_EQ(find(std::to_string(writer)).stats().vector_count, 20U);
  }
}

// What the store should hold, told by the meaning of the operations alone.
struct ModelIndex {
  MutationNumber mutation = 0;
  std::map<std::string, fixtures::Vector> vectors;
};

class Operations : public RocksStoreTest, public testing::WithParamInterface<unsigned> {
 protected:
  fixtures::Vector random_vector() {
    fixtures::Vector made{std::to_string(random_() % 40), {}};
    made.values = {static_cast<float>(random_() % 100), static_cast<float>(random_() % 100)};
    made.metadata = std::string(random_() % 50, static_cast<char>('a' + random_() % 26));
    if (random_() % 2 == 0) made.partition = std::to_string(random_() % 3);
    return made;
  }

  void write(const std::string& name, ModelIndex& model) {
    Index& index = find(name);
    std::vector<fixtures::Vector> vectors(random_() % 12);
    for (auto& vector : vectors) vector = random_vector();
    ++model.mutation;
    const auto kind = random_() % 3;
    if (kind == 0) {
      ASSERT_EQ(index.insert(batch_of(vectors)).value(), model.mutation);
      for (const auto& vector : vectors) model.vectors.emplace(vector.id, vector);
    } else if (kind == 1) {
      ASSERT_EQ(index.upsert(batch_of(vectors)).value(), model.mutation);
      for (const auto& vector : vectors) model.vectors[vector.id] = vector;
    } else {
      Ids ids;
      for (const auto& vector : vectors) ids.push_back(vector.id);
      ASSERT_EQ(index.erase(ids).value(), model.mutation);
      for (const auto& id : ids) model.vectors.erase(id);
    }
  }

  void step() {
    const std::string name = "index " + std::to_string(random_() % 4);
    const auto dice = random_() % 20;
    if (dice == 0) {
      EXPECT_EQ(store_->drop("a", name).ok(), models_.erase(name) == 1);
    } else if (dice == 1) {
      held_.reset();
      reopen();
    } else if (!models_.contains(name)) {
      ASSERT_TRUE(store_->create("a", name, "", kConfig).ok());
      models_[name];
    } else {
      write(name, models_[name]);
    }
  }

  void expect_equal() {
    ASSERT_EQ(store_->list("a").size(), models_.size());
    for (const auto& [name, model] : models_) {
      Index& index = find(name);
      EXPECT_EQ(index.stats().mutation, model.mutation);
      EXPECT_EQ(index.stats().vector_count, model.vectors.size());
      Ids ids;
      for (const auto& [id, vector] : model.vectors) ids.push_back(id);
      EXPECT_EQ(index.list("", 1000).value().ids, ids);
      const auto all = index.get(ids).value();
      EXPECT_EQ(all.size(), ids.size());
      for (const StoredVector& stored : all) {
        const fixtures::Vector& expected = model.vectors.at(stored.id);
        EXPECT_EQ(stored.values, expected.values);
        EXPECT_EQ(stored.metadata, expected.metadata);
        EXPECT_EQ(stored.partition, expected.partition);
      }
      auto found = ids_of(index.query(std::vector<float>{1, 1}, {.top_k = 1000}));
      std::sort(found.begin(), found.end());
      EXPECT_EQ(found, ids);
    }
  }

  std::mt19937 random_{GetParam()};
  std::map<std::string, ModelIndex> models_;
};

TEST_P(Operations, LeaveWhatAModelInPlainMapsHolds) {
  for (int round = 0; round < 150; ++round) ASSERT_NO_FATAL_FAILURE(step());
  expect_equal();
  held_.reset();
  reopen();
  expect_equal();
}

INSTANTIATE_TEST_SUITE_P(Seeds, Operations, testing::Values(1U, 2U, 3U, 4U));

}  // namespace
}  // namespace selvedge::vectors
