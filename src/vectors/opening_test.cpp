// Tests of opening: an index that takes long to read holds up nobody but those who want its
// vectors.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>

#include "vectors/fixtures.h"
#include "vectors/rocks_store.h"

namespace selvedge::vectors {
namespace {

using fixtures::batch_of;

// Two indexes; reading the records of "slow" stops at a gate.
class OpeningTest : public testing::Test {
 protected:
  static constexpr std::size_t kCount = 3'000;

  void SetUp() override {
    open();
    for (const char* name : {"slow", "other"}) {
      ASSERT_TRUE(store_->create("a", name, "", {2, Metric::euclidean, ""}).ok());
    }
    const auto slow = store_->find("a", "slow").value();
    ASSERT_TRUE(slow->create_metadata_index("kind", PropertyType::string, true, 10).ok());
    std::vector<fixtures::Vector> vectors;
    for (std::size_t at = 0; at < kCount; ++at) {
      vectors.push_back({"id-" + std::to_string(at), {1, static_cast<float>(at)}, "kind=k"});
    }
    ASSERT_TRUE(slow->insert(batch_of(vectors)).ok());
    ASSERT_TRUE(store_->find("a", "other").value()->insert(batch_of({{"x", {1, 2}}})).ok());
    store_.reset();
  }
  void TearDown() override { open_gate(); }

  void open() {
    RocksStore::Options options;
    options.reader = [this](std::string_view metadata, std::span<const std::string> properties,
                            std::span<PropertyValue> values) {
      std::unique_lock lock(gate_mutex_);
      gate_changed_.wait(lock, [this] { return gate_open_; });
      lock.unlock();
      fixtures::read_pairs(metadata, properties, values);
    };
    auto store = RocksStore::open(folder_.path(), std::move(options));
    ASSERT_TRUE(store.ok()) << store.error().message;
    store_ = std::move(store).value();
  }
  void reopen_with_gate_closed() {
    gate_open_ = false;
    open();
  }
  void open_gate() {
    const std::lock_guard lock(gate_mutex_);
    gate_open_ = true;
    gate_changed_.notify_all();
  }
  static void wait_until(const std::function<bool()>& done) {
    for (int wait = 0; wait < 10'000 && !done(); ++wait) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_TRUE(done());
  }

  fixtures::TemporaryFolder folder_;
  std::mutex gate_mutex_;  // Guards what follows.
  std::condition_variable gate_changed_;
  bool gate_open_ = true;
  std::unique_ptr<Store> store_;
};

TEST_F(OpeningTest, AnIndexThatIsBeingReadHoldsUpNobodyElse) {
  reopen_with_gate_closed();
  EXPECT_FALSE(store_->ready("a", "slow"));
  wait_until([this] { return store_->loaded().to_read_count == kCount; });
  EXPECT_FALSE(store_->ready("a", "slow"));
  EXPECT_EQ(store_->loaded().opening_count, 1U);
  EXPECT_EQ(store_->loaded().index_count, 0U);

  EXPECT_TRUE(store_->find("a", "other").ok());
  EXPECT_TRUE(store_->ready("a", "other"));
  EXPECT_TRUE(store_->ready("a", "none"));
  EXPECT_TRUE(store_->create("a", "third", "", {2, Metric::cosine, ""}).ok());
  EXPECT_TRUE(store_->drop("a", "third").ok());
  ASSERT_TRUE(store_->describe("a", "slow", "described meanwhile").ok());

  const auto status = store_->status("a", "slow");
  ASSERT_TRUE(status.ok());
  EXPECT_FALSE(status->loaded);
  EXPECT_EQ(status->stats.vector_count, kCount);
  EXPECT_EQ(status->stats.mutation, 2U);
  EXPECT_EQ(status->to_read_count, kCount);
  EXPECT_LT(status->read_count, kCount);

  open_gate();
  wait_until([this] { return store_->ready("a", "slow"); });
  const auto slow = store_->find("a", "slow").value();
  EXPECT_EQ(slow->stats().vector_count, kCount);
  EXPECT_EQ(slow->description().description, "described meanwhile");
  EXPECT_TRUE(store_->status("a", "slow")->loaded);
  EXPECT_EQ(store_->loaded().opening_count, 0U);
}

TEST_F(OpeningTest, WhatIsKnownOfAnIndexIsAnsweredWithoutLoadingIt) {
  open();
  const auto status = store_->status("a", "slow");
  ASSERT_TRUE(status.ok());
  EXPECT_EQ(status->stats.vector_count, kCount);
  EXPECT_FALSE(status->loaded);
  EXPECT_EQ(store_->loaded().index_count, 0U);
  EXPECT_EQ(store_->status("a", "none").error().code, Code::index_not_found);
  ASSERT_TRUE(store_->drop("a", "slow").ok());
  EXPECT_EQ(store_->status("a", "slow").error().code, Code::index_deleted);
}

TEST_F(OpeningTest, ClosingTheStoreEndsTheReading) {
  reopen_with_gate_closed();
  EXPECT_FALSE(store_->ready("a", "slow"));
  wait_until([this] { return store_->loaded().to_read_count == kCount; });
  std::thread late([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    open_gate();
  });
  store_.reset();  // Not after all records.
  late.join();
  open();
  EXPECT_EQ(store_->find("a", "slow").value()->stats().vector_count, kCount);
}

TEST_F(OpeningTest, AnIndexCanBeDroppedWhileItIsRead) {
  reopen_with_gate_closed();
  EXPECT_FALSE(store_->ready("a", "slow"));
  wait_until([this] { return store_->loaded().to_read_count == kCount; });
  std::thread late([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    open_gate();
  });
  EXPECT_TRUE(store_->drop("a", "slow").ok());
  late.join();
  EXPECT_TRUE(store_->ready("a", "slow"));
  EXPECT_EQ(store_->find("a", "slow").error().code, Code::index_deleted);
  EXPECT_TRUE(store_->create("a", "slow", "", {2, Metric::cosine, ""}).ok());
  EXPECT_EQ(store_->find("a", "slow").value()->stats().vector_count, 0U);
}

TEST_F(OpeningTest, ManyWhoWaitGetTheSameIndex) {
  reopen_with_gate_closed();
  std::vector<std::thread> threads;
  std::atomic<const Index*> found = nullptr;
  std::atomic<int> count = 0;
  for (int at = 0; at < 4; ++at) {
    threads.emplace_back([&] {
      const auto index = store_->find("a", "slow").value();
      const Index* before = found.exchange(index.get());
      EXPECT_TRUE(before == nullptr || before == index.get());
      ++count;
    });
  }
  EXPECT_FALSE(store_->ready("a", "slow"));
  open_gate();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, 4);
}

}  // namespace
}  // namespace selvedge::vectors
