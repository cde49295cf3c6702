// Openers: a few threads that open indexes, so that nobody waits for one who asks for another.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace selvedge::vectors {

// Threads begin when there is work for them and end with stop(). Thread-safe.
class Openers {
 public:
  using Work = std::function<void()>;

  Openers() = default;
  ~Openers() { stop(); }
  Openers(const Openers&) = delete;
  Openers& operator=(const Openers&) = delete;

  // Soon; in no order. After stop() never.
  void open(Work work);
  // Waits for what is under way; what waits is left.
  void stop();

 private:
  // An index whose records are all read takes seconds: others come in beside it.
  static constexpr std::size_t kThreadsMost = 4;

  void run(const std::stop_token& stop);

  std::mutex queue_mutex_;  // Guards what follows.
  std::condition_variable_any wanted_;
  std::deque<Work> queue_;
  std::size_t idle_count_ = 0;
  bool stopped_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace selvedge::vectors
