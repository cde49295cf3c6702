// Linker: one queue, in which every index stands at most once.
#include "vectors/linker.h"

#include <algorithm>
#include <utility>

namespace selvedge::vectors {

Linker::Linker() : thread_([this](const std::stop_token& stop) { run(stop); }) {}

void Linker::want(const std::weak_ptr<Linked>& linked) {
  {
    const std::lock_guard lock(queue_mutex_);
    const bool known = std::any_of(queue_.begin(), queue_.end(), [&linked](const auto& each) {
      return !each.owner_before(linked) && !linked.owner_before(each);
    });
    if (known) return;
    queue_.push_back(linked);
  }
  wanted_.notify_one();
}

void Linker::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void Linker::run(const std::stop_token& stop) {
  for (;;) {
    std::weak_ptr<Linked> next;
    {
      std::unique_lock lock(queue_mutex_);
      if (!wanted_.wait(lock, stop, [this] { return !queue_.empty(); })) return;
      if (stop.stop_requested()) return;
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    if (const auto linked = next.lock(); linked != nullptr && linked->link_some(stop)) want(next);
  }
}

}  // namespace selvedge::vectors
