// SideThread: a condition variable in both directions.
#include "engines/side_thread.h"

#include <utility>

#include "base/check.h"

namespace selvedge::engines {

SideThread::SideThread() : thread_([this] { run(); }) {}

SideThread::~SideThread() {
  {
    const std::lock_guard lock(work_mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void SideThread::start(std::function<void()> work) {
  {
    const std::lock_guard lock(work_mutex_);
    SEL_CHECK(!busy_);
    work_ = std::move(work);
    busy_ = true;
  }
  changed_.notify_all();
}

bool SideThread::idle(std::chrono::milliseconds wait_max) {
  std::unique_lock lock(work_mutex_);
  return changed_.wait_for(lock, wait_max, [this] { return !busy_; });
}

void SideThread::run() {
  std::unique_lock lock(work_mutex_);
  while (true) {
    changed_.wait(lock, [this] { return busy_ || ending_; });
    if (!busy_) return;
    const std::function<void()> work = std::exchange(work_, nullptr);
    lock.unlock();
    work();
    lock.lock();
    busy_ = false;
    changed_.notify_all();
  }
}

}  // namespace selvedge::engines
