// Tests of the ledger: sums, days, and what a new start finds.
#include "catalog/usage_ledger.h"

#include <fstream>

#include <gtest/gtest.h>

#include "catalog/test_folder.h"

namespace selvedge::catalog {
namespace {

constexpr std::int64_t kDayUs = 86'400'000'000;
constexpr std::int64_t kNoonUs = 1'795'694'400'000'000;  // 2026-11-26T12:00:00Z.

class UsageLedgerTest : public testing::Test {
 protected:
  void open() {
    ledger_.reset();
    auto opened = UsageLedger::open(folder_.path(), [this] { return now_us_; });
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    ledger_ = std::move(*opened);
  }
  static ModelUse use(double neurons) {
    ModelUse one;
    one.calls = 1;
    one.neurons = neurons;
    one.input_tokens = 10;
    one.output_tokens = 2;
    return one;
  }

  TestFolder folder_;
  std::int64_t now_us_ = kNoonUs;
  std::unique_ptr<UsageLedger> ledger_;
};

TEST_F(UsageLedgerTest, UseAddsUpByDayAccountKeyAndModel) {
  open();
  ledger_->add("local", "key-1", "@cf/a", use(1.5));
  ledger_->add("local", "key-1", "@cf/a", use(2));
  ASSERT_TRUE(ledger_->flush().ok());
  ledger_->add("local", "key-1", "@cf/a", use(0.25));
  ledger_->add("local", "", "@cf/a", use(1));
  now_us_ += kDayUs;
  ledger_->add("other", "key-1", "@cf/b", use(7));
  const auto rows = ledger_->model_rows("2026-11");
  ASSERT_TRUE(rows.ok());
  ASSERT_EQ(rows->size(), 3u);
  EXPECT_EQ(rows->at(0).key, "");
  EXPECT_EQ(rows->at(1).day, "2026-11-26");
  EXPECT_EQ(rows->at(1).key, "key-1");
  EXPECT_EQ(rows->at(1).use.calls, 3);
  EXPECT_DOUBLE_EQ(rows->at(1).use.neurons, 3.75);
  EXPECT_EQ(rows->at(1).use.input_tokens, 30);
  EXPECT_EQ(rows->at(2).day, "2026-11-27");
  EXPECT_EQ(rows->at(2).account, "other");
  EXPECT_EQ(ledger_->model_rows("2026-11-27")->size(), 1u);
  EXPECT_TRUE(ledger_->model_rows("2026-10")->empty());
}

TEST_F(UsageLedgerTest, TodaysNeuronsSurviveAStartAndEndAtMidnight) {
  open();
  ledger_->add("local", "a", "@cf/a", use(3));
  ledger_->add("local", "b", "@cf/b", use(4));
  ledger_->add("other", "b", "@cf/b", use(100));
  EXPECT_DOUBLE_EQ(ledger_->neurons_today("local"), 7);
  ASSERT_TRUE(ledger_->flush().ok());
  open();
  EXPECT_DOUBLE_EQ(ledger_->neurons_today("local"), 7);
  ledger_->add("local", "a", "@cf/a", use(1));
  EXPECT_DOUBLE_EQ(ledger_->neurons_today("local"), 8);
  EXPECT_EQ(ledger_->ms_until_tomorrow(), 12 * 3'600 * 1'000);
  now_us_ += kDayUs / 2;
  EXPECT_EQ(ledger_->neurons_today("local"), 0);
  ledger_->add("local", "a", "@cf/a", use(5));
  EXPECT_DOUBLE_EQ(ledger_->neurons_today("local"), 5);
}

TEST_F(UsageLedgerTest, QueriesAddUpAndOfVectorsTheMostCount) {
  open();
  ledger_->add("local", "docs", {3, 768, 100});
  ledger_->add("local", "docs", {0, 768, 250});
  ASSERT_TRUE(ledger_->flush().ok());
  ledger_->add("local", "docs", {1, 768, 40});
  const auto rows = ledger_->index_rows("2026-11");
  ASSERT_TRUE(rows.ok());
  ASSERT_EQ(rows->size(), 1u);
  EXPECT_EQ(rows->front().use.queries, 4);
  EXPECT_EQ(rows->front().use.dimensions, 768);
  EXPECT_EQ(rows->front().use.vectors_most, 250);
}

TEST_F(UsageLedgerTest, AFileThatIsNoDatabaseIsRefused) {
  std::ofstream(folder_ / "usage.db") << std::string(4'096, 'x');
  const auto opened = UsageLedger::open(folder_.path(), [] { return kNoonUs; });
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, Code::corrupt_data);
}

}  // namespace
}  // namespace selvedge::catalog
