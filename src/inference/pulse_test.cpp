// Tests of the pulse: a process that does nothing is told apart from one that is slow.
#include "inference/pulse.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace selvedge::inference {
namespace {

using std::chrono::milliseconds;

TEST(Pulse, ReadsStateAndTicksBehindAnyName) {
  const auto reading =
      parse_stat("12 (a) b) ((c) R 1 1 1 0 -1 4194560 100 0 0 0 7 5 0 0 20 0 1 0 9 1 1");
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->state, 'R');
  EXPECT_EQ(reading->cpu_ticks, 12u);
}

TEST(Pulse, TextThatIsNoStatHasNoReading) {
  EXPECT_FALSE(parse_stat(""));
  EXPECT_FALSE(parse_stat("12 (a"));
  EXPECT_FALSE(parse_stat("12 (a) S 1 1"));
  EXPECT_FALSE(parse_stat("12 (a) S 1 1 1 0 -1 4194560 100 0 0 0 x 5 0"));
}

TEST(Pulse, OfThisProcessIsRunning) {
  const auto reading = read_pulse(::getpid());
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->state, 'R');
  EXPECT_FALSE(read_pulse(-5));
}

TEST(Pulse, OnlySleepWithoutAnyWorkIsStillness) {
  const Pulse::TimePoint start{};
  Pulse pulse;
  pulse.restart(start);
  pulse.look(start + milliseconds(1), PulseReading{'S', 5});
  EXPECT_EQ(pulse.moved_at(), start + milliseconds(1)) << "one look says nothing";
  pulse.look(start + milliseconds(2), PulseReading{'S', 5});
  EXPECT_EQ(pulse.moved_at(), start + milliseconds(1));
  pulse.look(start + milliseconds(3), PulseReading{'S', 6});
  EXPECT_EQ(pulse.moved_at(), start + milliseconds(3)) << "it worked between the looks";
  pulse.look(start + milliseconds(4), PulseReading{'R', 6});
  EXPECT_EQ(pulse.moved_at(), start + milliseconds(4)) << "it waits for a processor";
  pulse.look(start + milliseconds(5), PulseReading{'D', 6});
  EXPECT_EQ(pulse.moved_at(), start + milliseconds(5)) << "it waits for a disk";
  pulse.look(start + milliseconds(6), PulseReading{'T', 6});
  EXPECT_EQ(pulse.moved_at(), start + milliseconds(5)) << "somebody stopped it";
  pulse.look(start + milliseconds(7), std::nullopt);
  EXPECT_EQ(pulse.moved_at(), start + milliseconds(7)) << "nothing can be said";
}

}  // namespace
}  // namespace selvedge::inference
