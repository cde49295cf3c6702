// Tests of the pace of writes: who waits, for what, and who does not.
#include "vectors/write_pace.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

namespace selvedge::vectors {
namespace {

constexpr std::size_t kMany = 10 * WritePace::kRecentFew;

double waited_ms(WritePace& pace, std::size_t rows) {
  const auto begun = std::chrono::steady_clock::now();
  pace.wait(rows);
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun)
      .count();
}

void look_often(const WritePace& pace, std::size_t rows) {
  for (std::size_t looked = 0; looked < WritePace::kLooksEach * rows; looked += kMany) {
    pace.look(kMany);
  }
}

TEST(WritePace, NobodyWaitsWhileFewQueriesLookAtRecentRows) {
  WritePace pace;
  pace.note(kMany, 0);
  EXPECT_LT(waited_ms(pace, 100), 500);
  pace.look(kMany);
  EXPECT_LT(waited_ms(pace, 1'000), 500);
  for (int query = 0; query < 10'000; ++query) pace.look(WritePace::kRecentFew);
  EXPECT_LT(waited_ms(pace, 1), 500);
}

TEST(WritePace, NobodyWaitsWhereFewRowsAreRecent) {
  WritePace pace;
  look_often(pace, 10);
  pace.note(WritePace::kRecentFew, 0);
  EXPECT_LT(waited_ms(pace, 10), 500);
}

TEST(WritePace, AWriterWaitsUntilAsManyWereLinkedAsItAdds) {
  WritePace pace;
  pace.note(kMany, 0);
  look_often(pace, 100);
  std::atomic<bool> done = false;
  std::thread writer([&] {
    pace.wait(100);
    done = true;
  });
  pace.note(kMany, 60);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(done);
  pace.note(kMany, 40);
  writer.join();
  EXPECT_TRUE(done);
}

TEST(WritePace, WithoutALinkerAWriterGoesOnAtLast) {
  WritePace pace;
  pace.note(kMany, 0);
  look_often(pace, 10);
  const double waited = waited_ms(pace, 10);
  EXPECT_GE(waited, static_cast<double>(WritePace::kWaitMost.count()) - 1);
}

}  // namespace
}  // namespace selvedge::vectors
