// Thread budget: shares, order of shrinking and growing, turns, and the sum at every moment.
#include "inference/thread_budget.h"

#include <map>
#include <optional>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace selvedge::inference {
namespace {

using std::chrono::milliseconds;

// Runners that confirm when told to. Until then they compute with what they had.
class ThreadBudgetTest : public testing::Test {
 protected:
  ThreadBudget::Id join(ThreadBudget& budget, bool generates) {
    auto id = std::make_shared<ThreadBudget::Id>(0);
    *id = budget.join(generates, [this, id](std::int32_t threads) {
      EXPECT_FALSE(unconfirmed_.contains(*id)) << "two grants on the way";
      unconfirmed_[*id] = threads;
    });
    return *id;
  }

  void confirm(ThreadBudget& budget, ThreadBudget::Id id) {
    const auto found = unconfirmed_.find(id);
    if (found == unconfirmed_.end()) return;
    const std::int32_t threads = found->second;
    unconfirmed_.erase(found);
    using_[id] = threads;
    EXPECT_TRUE(budget.confirm(id, threads, now_));
  }

  void confirm_all(ThreadBudget& budget) {
    while (!unconfirmed_.empty()) confirm(budget, unconfirmed_.begin()->first);
  }

  // The most that may be computing at this moment, seen from outside the budget.
  std::int32_t possibly_computing() const {
    std::map<ThreadBudget::Id, std::int32_t> most = using_;
    for (const auto& [id, threads] : unconfirmed_) most[id] = std::max(most[id], threads);
    std::int32_t sum = 0;
    for (const auto& [id, threads] : most) sum += threads;
    return sum;
  }

  void forget(ThreadBudget::Id id) {
    unconfirmed_.erase(id);
    using_.erase(id);
  }

  std::map<ThreadBudget::Id, std::int32_t> unconfirmed_;
  std::map<ThreadBudget::Id, std::int32_t> using_;
  ThreadBudget::TimePoint now_{};
};

TEST_F(ThreadBudgetTest, TheOnlyActiveRunnerGetsEveryCore) {
  ThreadBudget budget(8, milliseconds(250));
  const auto text = join(budget, true);
  join(budget, false);
  EXPECT_TRUE(unconfirmed_.empty());

  budget.want(text, now_);
  EXPECT_EQ(unconfirmed_[text], 8);
}

TEST_F(ThreadBudgetTest, ANewcomerGetsNothingBeforeTheOtherHasConfirmedItsSmallerShare) {
  ThreadBudget budget(4, milliseconds(250));
  const auto first = join(budget, true);
  const auto second = join(budget, true);
  budget.want(first, now_);
  confirm_all(budget);

  budget.want(second, now_);
  EXPECT_EQ(unconfirmed_[first], 2);
  EXPECT_FALSE(unconfirmed_.contains(second));
  confirm(budget, first);
  EXPECT_EQ(unconfirmed_[second], 2);
}

TEST_F(ThreadBudgetTest, CoresLeftOverGoToTextGeneration) {
  ThreadBudget budget(3, milliseconds(250));
  const auto embedding = join(budget, false);
  const auto text = join(budget, true);
  budget.want(embedding, now_);
  budget.want(text, now_);
  confirm_all(budget);

  EXPECT_EQ(budget.held(embedding), 1);
  EXPECT_EQ(budget.held(text), 2);
}

TEST_F(ThreadBudgetTest, AnIdleRunnerHoldsNothingAndTheOtherGetsItsCores) {
  ThreadBudget budget(2, milliseconds(250));
  const auto first = join(budget, true);
  const auto second = join(budget, true);
  budget.want(first, now_);
  budget.want(second, now_);
  confirm_all(budget);

  budget.rest(first, now_);
  confirm_all(budget);
  EXPECT_EQ(budget.held(first), 0);
  EXPECT_EQ(budget.held(second), 2);
}

TEST_F(ThreadBudgetTest, TheCoresOfARunnerThatEndedAreFreeWithoutItsWord) {
  ThreadBudget budget(2, milliseconds(250));
  const auto first = join(budget, true);
  const auto second = join(budget, true);
  budget.want(first, now_);
  confirm_all(budget);
  budget.want(second, now_);
  forget(first);

  budget.leave(first, now_);
  EXPECT_EQ(unconfirmed_[second], 2);
}

TEST_F(ThreadBudgetTest, AConfirmationOfSomethingElseFreesNothing) {
  ThreadBudget budget(2, milliseconds(250));
  const auto first = join(budget, true);
  const auto second = join(budget, true);
  budget.want(first, now_);
  confirm_all(budget);
  budget.want(second, now_);

  EXPECT_FALSE(budget.confirm(first, 0, now_));
  EXPECT_FALSE(unconfirmed_.contains(second));
  EXPECT_EQ(budget.held_in_all(), 2);
}

TEST_F(ThreadBudgetTest, MoreRunnersThanCoresComputeInTurns) {
  ThreadBudget budget(1, milliseconds(250));
  std::vector<ThreadBudget::Id> ids;
  for (int at = 0; at < 3; ++at) ids.push_back(join(budget, true));
  EXPECT_EQ(budget.next_slice(), std::nullopt);
  for (const auto id : ids) budget.want(id, now_);
  confirm_all(budget);

  std::map<ThreadBudget::Id, int> turns;
  for (int turn = 0; turn < 9; ++turn) {
    for (const auto id : ids) turns[id] += budget.held(id);
    ASSERT_EQ(budget.next_slice(), now_ + milliseconds(250));
    now_ += milliseconds(249);
    budget.tick(now_);
    EXPECT_TRUE(unconfirmed_.empty()) << "a turn ended early";
    now_ += milliseconds(1);
    budget.tick(now_);
    confirm_all(budget);
  }
  for (const auto id : ids) EXPECT_EQ(turns[id], 3);
}

TEST_F(ThreadBudgetTest, NoOneIsAskedToWaitWhileThereIsACoreForEach) {
  ThreadBudget budget(2, milliseconds(250));
  const auto first = join(budget, true);
  const auto second = join(budget, true);
  budget.want(first, now_);
  budget.want(second, now_);
  confirm_all(budget);

  now_ += std::chrono::hours(1);
  budget.tick(now_);
  EXPECT_TRUE(unconfirmed_.empty());
  EXPECT_EQ(budget.next_slice(), std::nullopt);
}

TEST_F(ThreadBudgetTest, AtNoMomentOfARandomLifeDoMoreThreadsComputeThanThereAreCores) {
  for (const std::int32_t cores : {1, 2, 3, 8, 64}) {
    ThreadBudget budget(cores, milliseconds(250));
    std::mt19937 random(static_cast<unsigned>(cores));
    std::vector<ThreadBudget::Id> ids;
    unconfirmed_.clear();
    using_.clear();
    for (int event = 0; event < 20'000; ++event) {
      now_ += milliseconds(random() % 100);
      const std::size_t at = ids.empty() ? 0 : random() % ids.size();
      switch (random() % 8) {
        case 0:
          if (ids.size() < 12) ids.push_back(join(budget, random() % 2 == 0));
          break;
        case 1:
          if (ids.empty() || random() % 4 != 0) break;
          forget(ids[at]);
          budget.leave(ids[at], now_);
          ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at));
          break;
        case 2:
        case 3:
          if (!ids.empty()) budget.want(ids[at], now_);
          break;
        case 4:
          if (!ids.empty()) budget.rest(ids[at], now_);
          break;
        case 5:
          budget.tick(now_);
          break;
        default:
          if (!ids.empty()) confirm(budget, ids[at]);
      }
      ASSERT_LE(possibly_computing(), cores);
      ASSERT_LE(budget.held_in_all(), cores);
    }
    // Once everybody has answered, no core stays unused while somebody has work.
    for (const auto id : ids) budget.want(id, now_);
    confirm_all(budget);
    EXPECT_EQ(possibly_computing(), ids.empty() ? 0 : cores);
  }
}

}  // namespace
}  // namespace selvedge::inference
