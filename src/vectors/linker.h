// Linker: the thread that links new vectors into the graphs of all indexes of one store.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

namespace selvedge::vectors {

// What has work for it. link_some does a part, of some hundredths of a second, and says whether
// there is more.
class Linked {
 public:
  virtual ~Linked() = default;
  virtual bool link_some(const std::stop_token& stop) = 0;
};

// Indexes take turns. One that is gone is left out.
class Linker {
 public:
  Linker();
  ~Linker() { stop(); }
  Linker(const Linker&) = delete;
  Linker& operator=(const Linker&) = delete;

  // There is work. Cheap; may be said again and again.
  void want(const std::weak_ptr<Linked>& linked);
  // Ends the thread; what is wanted later waits for ever. Not to be called by the thread itself.
  void stop();

 private:
  void run(const std::stop_token& stop);

  std::mutex queue_mutex_;  // Guards the queue.
  std::condition_variable_any wanted_;
  std::deque<std::weak_ptr<Linked>> queue_;
  std::jthread thread_;
};

}  // namespace selvedge::vectors
