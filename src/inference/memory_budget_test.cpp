// Memory budget: sums and estimates.
#include "inference/memory_budget.h"

#include <gtest/gtest.h>

namespace selvedge::inference {
namespace {

constexpr std::uint64_t kMegabyte = 1 << 20;
constexpr std::uint64_t kGigabyte = 1 << 30;

TEST(MemoryBudget, WhatDoesNotFitIsNotHeld) {
  const int first = 0;
  const int second = 0;
  MemoryBudget budget(100);
  EXPECT_TRUE(budget.take(&first, 60));
  EXPECT_FALSE(budget.take(&second, 41));
  EXPECT_EQ(budget.held_bytes(), 60u);

  budget.release(&first);
  EXPECT_TRUE(budget.take(&second, 100));
}

TEST(MemoryBudget, ACorrectionAboveTheBudgetLeavesNothingFree) {
  const int holder = 0;
  MemoryBudget budget(100);
  ASSERT_TRUE(budget.take(&holder, 60));
  budget.correct(&holder, 150);

  EXPECT_EQ(budget.free_bytes(), 0u);
  EXPECT_EQ(budget.held_bytes(&holder), 150u);
}

TEST(MemoryBudget, ASmallModelIsEstimatedInHundredsOfMegabytes) {
  const auto bytes =
      estimate_memory_bytes(98 * kMegabyte, wire::ModelKind::text_generation, 8, 2'048);
  EXPECT_GT(bytes, 300 * kMegabyte);
  EXPECT_LT(bytes, 700 * kMegabyte);
}

TEST(MemoryBudget, AnEstimateIsAtLeastTheWeights) {
  for (const std::uint64_t weights : {kMegabyte, 98 * kMegabyte, 40 * kGigabyte}) {
    EXPECT_GT(estimate_memory_bytes(weights, wire::ModelKind::embedding, 1, 0), weights);
    EXPECT_GT(estimate_memory_bytes(weights, wire::ModelKind::text_generation, 1, 0), weights);
  }
}

}  // namespace
}  // namespace selvedge::inference
