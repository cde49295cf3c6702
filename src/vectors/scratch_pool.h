// ScratchPool: what searches need, left by one for the next.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <thread>

#include "ann/graph.h"

namespace selvedge::vectors {

// What searches use, one each, and leave for the next one: mostly of the same thread, in whose
// core's caches it still is.
class ScratchPool {
 public:
  using Scratch = ann::Graph::Scratch;

  ScratchPool() = default;
  ~ScratchPool() {
    for (Place& each : places_) {
      const std::unique_ptr<Scratch> left(each.left.load());
    }
  }
  ScratchPool(const ScratchPool&) = delete;
  ScratchPool& operator=(const ScratchPool&) = delete;

  std::unique_ptr<Scratch> take() {
    for (std::size_t step = 0; step < kSteps; ++step) {
      std::atomic<Scratch*>& left = place(step).left;
      if (left.load(std::memory_order_relaxed) == nullptr) continue;
      std::unique_ptr<Scratch> taken(left.exchange(nullptr, std::memory_order_acquire));
      if (taken != nullptr) return taken;
    }
    return std::make_unique<Scratch>();
  }
  void give(std::unique_ptr<Scratch> scratch) {
    for (std::size_t step = 0; step < kSteps; ++step) {
      Scratch* none = nullptr;
      if (place(step).left.compare_exchange_strong(none, scratch.get(),
                                                   std::memory_order_release)) {
        // The place owns it now.
        [[maybe_unused]] const Scratch* const left = scratch.release();
        return;
      }
    }
  }

 private:
  struct alignas(64) Place {
    std::atomic<Scratch*> left = nullptr;
  };
  static constexpr std::size_t kSteps = 4;  // For threads that begin at the same place.

  Place& place(std::size_t step) {
    const std::size_t own = std::hash<std::thread::id>()(std::this_thread::get_id());
    return places_[(own + step) % places_.size()];
  }

  std::array<Place, 64> places_;
};

}  // namespace selvedge::vectors
