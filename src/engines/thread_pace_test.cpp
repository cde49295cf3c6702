// Tests of the thread pace: it takes the faster way, and notices when that changes.
#include "engines/thread_pace.h"

#include <gtest/gtest.h>

namespace selvedge::engines {
namespace {

// Runs `batches` batches on a machine where one thread takes `single` seconds a batch and two take
// `team`; returns how many of them ran with one.
int run(ThreadPace& pace, std::size_t tokens, int batches, double single, double team) {
  int singles = 0;
  for (int at = 0; at < batches; ++at) {
    const std::int32_t threads = pace.threads_for(tokens);
    if (threads == 1) ++singles;
    pace.record(tokens, threads, threads == 1 ? single : team);
  }
  return singles;
}

TEST(ThreadPace, OneGrantedThreadIsOneThread) {
  ThreadPace pace;
  EXPECT_EQ(pace.threads_for(1), 1);
  EXPECT_EQ(run(pace, 512, 10, 1, 1), 10);
}

TEST(ThreadPace, TakesAllThreadsWhereTheyAreFaster) {
  ThreadPace pace;
  pace.grant(2);
  EXPECT_LE(run(pace, 1, 1000, 0.010, 0.006), 10);
}

TEST(ThreadPace, TakesOneThreadWhereItIsFaster) {
  ThreadPace pace;
  pace.grant(2);
  EXPECT_GE(run(pace, 1, 1000, 0.010, 0.080), 990);
}

TEST(ThreadPace, ChangesItsMindWhenTheCoresAreTakenAndWhenTheyAreFreeAgain) {
  ThreadPace pace;
  pace.grant(2);
  run(pace, 1, 200, 0.010, 0.006);
  EXPECT_GE(run(pace, 1, 200, 0.012, 0.080), 180);
  EXPECT_LE(run(pace, 1, 3000, 0.010, 0.006), 1100);
  EXPECT_LE(run(pace, 1, 200, 0.010, 0.006), 4);
}

TEST(ThreadPace, ReadsPromptsWithAllThreadsUntilThatTurnsSlow) {
  ThreadPace pace;
  pace.grant(2);
  EXPECT_EQ(run(pace, 512, 50, 0.8, 0.4), 0);
  EXPECT_GE(run(pace, 512, 50, 1.0, 3.0), 40);
}

TEST(ThreadPace, SizesAreToldApart) {
  ThreadPace pace;
  pace.grant(2);
  run(pace, 1, 200, 0.010, 0.080);
  EXPECT_EQ(pace.threads_for(512), 2);
}

TEST(ThreadPace, ANewGrantStartsAfresh) {
  ThreadPace pace;
  pace.grant(2);
  run(pace, 1, 200, 0.010, 0.080);
  pace.grant(4);
  EXPECT_EQ(pace.threads_for(1), 4);
}

}  // namespace
}  // namespace selvedge::engines
