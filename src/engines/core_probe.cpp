// CoreProbe: a barrier and a clock.
#include "engines/core_probe.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace selvedge::engines {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kProbe{15};
// A scheduler's turn is some milliseconds; an interrupt takes much less.
constexpr std::chrono::microseconds kGapMax{1'000};

}  // namespace

bool cores_are_free(int threads) {
  if (threads <= 1) return true;
  std::atomic<int> round = 0;
  std::atomic<int> arrived = 0;
  std::atomic<bool> over = false;
  const int others = threads - 1;
  std::vector<std::jthread> team;
  for (int at = 0; at < others; ++at) {
    team.emplace_back([&] {
      for (int mine = 0; !over;) {
        if (round.load() <= mine) continue;
        mine = round.load();
        ++arrived;
      }
    });
  }
  auto longest = steady_clock::duration::zero();
  // The first round is that in which the threads begin.
  auto begun = steady_clock::now();
  const auto end = begun + kProbe;
  for (int count = 0; begun < end; ++count) {
    arrived = 0;
    ++round;
    while (arrived.load() < others && steady_clock::now() < end) {
    }
    const auto now = steady_clock::now();
    if (count > 0) longest = std::max(longest, now - begun);
    begun = now;
  }
  const bool began = round.load() > 1;
  over = true;
  return began && longest < kGapMax;
}

}  // namespace selvedge::engines
