// Reserved array: memory that grows in place, so that readers never see it move.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>

namespace selvedge::ann {

// `capacity` elements of address space, of which only touched pages take memory, zero at first, on
// huge pages where the system grants them and a part of that size is in use. Elements are plain
// bytes: no constructor runs. Who writes and who reads what, and when, is the owner's matter.
class ReservedMemory {
 public:
  // Stops the process where the system has no address space left.
  explicit ReservedMemory(std::size_t bytes);
  ~ReservedMemory();
  ReservedMemory(const ReservedMemory&) = delete;
  ReservedMemory& operator=(const ReservedMemory&) = delete;

  void* data() const { return data_; }
  // Before the first write beyond what was announced: asks for huge pages up to there once that
  // many bytes fill some. Thread-safe.
  void announce(std::size_t bytes) const;

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;  // Reserved.
  mutable std::mutex announcing_mutex_;
  mutable std::atomic<std::size_t> announced_ = 0;  // Huge pages were asked for up to here.
};

template <class T>
class ReservedArray {
 public:
  explicit ReservedArray(std::size_t capacity)
      : memory_(capacity * sizeof(T)), capacity_(capacity) {}

  std::size_t capacity() const { return capacity_; }
  T* data() const { return static_cast<T*>(memory_.data()); }
  T& operator[](std::size_t at) const { return data()[at]; }
  std::span<T> first(std::size_t count) const { return {data(), count}; }
  void announce(std::size_t count) const { memory_.announce(count * sizeof(T)); }

 private:
  ReservedMemory memory_;
  std::size_t capacity_;
};

}  // namespace selvedge::ann
