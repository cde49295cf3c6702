// Openers: one queue for all threads.
#include "vectors/openers.h"

#include <utility>

namespace selvedge::vectors {

void Openers::open(Work work) {
  {
    const std::lock_guard lock(queue_mutex_);
    if (stopped_) return;
    queue_.push_back(std::move(work));
    if (queue_.size() > idle_count_ && threads_.size() < kThreadsMost) {
      threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
    }
  }
  wanted_.notify_one();
}

void Openers::stop() {
  std::vector<std::jthread> ended;
  {
    const std::lock_guard lock(queue_mutex_);
    stopped_ = true;
    queue_.clear();
    ended.swap(threads_);
  }
  for (std::jthread& thread : ended) thread.request_stop();
  // Joined as they go.
}

void Openers::run(const std::stop_token& stop) {
  for (;;) {
    Work next;
    {
      std::unique_lock lock(queue_mutex_);
      ++idle_count_;
      const bool found = wanted_.wait(lock, stop, [this] { return !queue_.empty(); });
      --idle_count_;
      if (!found || stop.stop_requested()) return;
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    next();
  }
}

}  // namespace selvedge::vectors
