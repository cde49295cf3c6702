// Machine: quotas of control groups, and figures that make sense.
#include "inference/machine.h"

#include <gtest/gtest.h>

namespace selvedge::inference {
namespace {

TEST(Machine, AQuotaCountsAsTheCoresItIsWorthRoundedUp) {
  EXPECT_EQ(cores_of_quota("200000 100000"), 2);
  EXPECT_EQ(cores_of_quota("150000 100000"), 2);
  EXPECT_EQ(cores_of_quota("50000 100000"), 1);
}

TEST(Machine, NoQuotaIsNoLimit) {
  EXPECT_EQ(cores_of_quota("max 100000"), std::nullopt);
  EXPECT_EQ(cores_of_quota(""), std::nullopt);
  EXPECT_EQ(cores_of_quota("100000 0"), std::nullopt);
  EXPECT_EQ(cores_of_quota("100000 x"), std::nullopt);
}

TEST(Machine, HasACoreAndSomeMemory) {
  EXPECT_GE(machine_cores(), 1);
  EXPECT_GT(machine_memory_bytes(), 64u << 20);
}

}  // namespace
}  // namespace selvedge::inference
