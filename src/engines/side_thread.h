// SideThread: one piece of work at a time, done beside the runner's loop.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace selvedge::engines {

// For engines whose library works for seconds without letting go: the loop goes on answering frames
// meanwhile. All methods are the loop's; only the work itself runs on the other thread.
class SideThread {
 public:
  SideThread();
  // Waits for the work under way.
  ~SideThread();
  SideThread(const SideThread&) = delete;
  SideThread& operator=(const SideThread&) = delete;

  // Only when idle. `work` must let no exception out.
  void start(std::function<void()> work);

  // Whether nothing is under way; waits for that at most so long.
  bool idle(std::chrono::milliseconds wait_max = std::chrono::milliseconds(0));

 private:
  void run();

  std::mutex work_mutex_;  // Guards what follows, but the thread.
  std::condition_variable changed_;
  std::function<void()> work_;
  bool busy_ = false;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace selvedge::engines
