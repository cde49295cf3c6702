// SideThread: work beside the loop.
#include "engines/side_thread.h"

#include <atomic>

#include <gtest/gtest.h>

namespace selvedge::engines {
namespace {

using std::chrono::milliseconds;

TEST(SideThread, IsBusyUntilTheWorkIsDone) {
  std::atomic<bool> go = false;
  SideThread thread;
  EXPECT_TRUE(thread.idle());
  thread.start([&] { go.wait(false); });
  EXPECT_FALSE(thread.idle(milliseconds(20)));
  go = true;
  go.notify_all();
  EXPECT_TRUE(thread.idle(milliseconds(10'000)));
}

TEST(SideThread, DoesOnePieceOfWorkAfterTheOther) {
  int done = 0;
  SideThread thread;
  for (int at = 0; at < 100; ++at) {
    thread.start([&] { ++done; });
    ASSERT_TRUE(thread.idle(milliseconds(10'000)));
  }
  EXPECT_EQ(done, 100);
}

TEST(SideThread, FinishesTheWorkUnderWayBeforeItEnds) {
  std::atomic<int> done = 0;
  {
    SideThread thread;
    thread.start([&] { ++done; });
  }
  EXPECT_EQ(done, 1);
}

}  // namespace
}  // namespace selvedge::engines
