// ThreadPace: one thread or all that are granted, whichever has been faster lately.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace selvedge::engines {

// ggml's threads meet at a spinning barrier after every operation. On a quiet machine two threads
// are nearly twice as fast as one; when another process takes a core they can be ten times slower.
// Only the clock tells which it is. Batches of like size are compared with each other; the way not
// taken is tried again now and then, more rarely the more often it loses.
class ThreadPace {
 public:
  // Threads from now on; forgets what was measured. At least 1.
  void grant(std::int32_t threads);

  // Threads for the next batch of `tokens` tokens: 1, or all that are granted. Without `may_probe`
  // the way known to be better is not left to try the other once more.
  std::int32_t threads_for(std::size_t tokens, bool may_probe = true) const;

  // A batch of `tokens` tokens took `seconds` with `threads` threads.
  void record(std::size_t tokens, std::int32_t threads, double seconds);

 private:
  struct Way {
    double seconds_per_token = 0;  // Smoothed.
    double best = 0;
    int batches = 0;
  };
  struct Size {
    Way single;
    Way team;
    int until_probe = 0;
    int probe_interval = 0;
  };

  static std::size_t size_class(std::size_t tokens);
  static bool team_is_faster(const Size& size);

  std::int32_t granted_ = 1;
  std::array<Size, 4> sizes_;
};

}  // namespace selvedge::engines
