// Tests of scan ahead: all keys come, in their order, and a visit ends it when it likes.
#include "vectors/scan_ahead.h"

#include <string>

#include <gtest/gtest.h>
#include <rocksdb/write_batch.h>

#include "vectors/fixtures.h"

namespace selvedge::vectors {
namespace {

class ScanAheadTest : public testing::Test {
 protected:
  // More than the pieces that are read ahead can hold.
  static constexpr int kCount = 9'000;
  static std::string key(int at) { return "k" + std::to_string(100'000 + at); }

  void SetUp() override {
    database_ = Database::open(folder_.path(), nullptr).value();
    rocksdb::WriteBatch batch;
    for (int at = 0; at < kCount; ++at) {
      ASSERT_TRUE(batch.Put(key(at), std::string(1'000, static_cast<char>('a' + at % 26))).ok());
    }
    ASSERT_TRUE(database_->commit(batch).ok());
  }

  fixtures::TemporaryFolder folder_;
  std::shared_ptr<Database> database_;
};

TEST_F(ScanAheadTest, EveryKeyAndValueComesInOrder) {
  int at = 0;
  const auto scanned = scan_ahead(
      *database_, "k", "l", [&at](std::string_view found, std::string_view value) -> Result<bool> {
        EXPECT_EQ(found, key(at));
        EXPECT_EQ(value, std::string(1'000, static_cast<char>('a' + at % 26)));
        ++at;
        return true;
      });
  EXPECT_TRUE(scanned.ok());
  EXPECT_EQ(at, kCount);
}

TEST_F(ScanAheadTest, AVisitThatHasEnoughOrFailsEndsIt) {
  for (const bool fails : {false, true}) {
    int count = 0;
    const auto scanned =
        scan_ahead(*database_, "k", "l", [&](std::string_view, std::string_view) -> Result<bool> {
          if (++count < 100) return true;
          if (fails) return Error{Code::corrupt_data, "enough"};
          return false;
        });
    EXPECT_EQ(count, 100);
    EXPECT_EQ(scanned.ok(), !fails);
  }
}

TEST_F(ScanAheadTest, NothingComesOfAnEmptyRange) {
  const auto scanned =
      scan_ahead(*database_, "m", "n", [](std::string_view, std::string_view) -> Result<bool> {
        ADD_FAILURE();
        return true;
      });
  EXPECT_TRUE(scanned.ok());
}

}  // namespace
}  // namespace selvedge::vectors
