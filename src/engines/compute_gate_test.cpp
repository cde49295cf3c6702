// Tests of the gate between grants and a long computation.
#include "engines/compute_gate.h"

#include <atomic>
#include <chrono>
#include <thread>

#include <gtest/gtest.h>

namespace selvedge::engines {
namespace {

using std::chrono::milliseconds;

TEST(ComputeGate, ATurnWaitsUntilThreadsAreGranted) {
  ComputeGate gate;
  std::atomic<int> threads = -1;
  std::thread worker([&] { threads = gate.enter(true); });
  std::this_thread::sleep_for(milliseconds(20));
  EXPECT_EQ(threads, -1);
  gate.grant(2);
  worker.join();
  EXPECT_EQ(threads, 2);
}

TEST(ComputeGate, ASmallerGrantReturnsOnlyWhenTheTurnIsOver) {
  ComputeGate gate;
  gate.grant(2);
  ASSERT_EQ(gate.enter(true), 2);
  std::atomic<bool> left = false;
  std::thread worker([&] {
    std::this_thread::sleep_for(milliseconds(30));
    left = true;
    gate.leave();
  });
  gate.grant(0);
  EXPECT_TRUE(left);
  worker.join();
}

TEST(ComputeGate, ALargerGrantReturnsDuringATurn) {
  ComputeGate gate;
  gate.grant(1);
  ASSERT_EQ(gate.enter(true), 1);
  gate.grant(2);
  gate.leave();
  EXPECT_EQ(gate.enter(true), 2);
}

TEST(ComputeGate, WhatIsStoppedEndsWithoutThreadsButOnlyWhereItMay) {
  ComputeGate gate;
  gate.stop();
  EXPECT_EQ(gate.enter(true), 0);
  gate.grant(1);
  EXPECT_EQ(gate.enter(false), 1);
  gate.leave();
  gate.reset();
  EXPECT_EQ(gate.enter(true), 1);
}

TEST(ComputeGate, WhatCannotEndYetGoesOnWithOneThreadWhenNobodyWillGrantAnyMore) {
  ComputeGate gate;
  std::atomic<int> threads = -1;
  std::thread worker([&] { threads = gate.enter(false); });
  gate.close();
  worker.join();
  EXPECT_EQ(threads, 1);
  gate.leave();
  EXPECT_EQ(gate.enter(true), 0);
}

}  // namespace
}  // namespace selvedge::engines
