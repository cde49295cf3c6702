// TopK: the k smallest of a stream of keys, ties in the order of ids.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

namespace selvedge::vectors {

// Keeps the `k` candidates that come first. `Candidate` has a float `key` and orders by operator<
// (key first). Most of a long stream ends at the one comparison of `admits`.
template <class Candidate>
class TopK {
 public:
  explicit TopK(std::size_t k) : k_(k) {}

  // False: a candidate with this key cannot be among the first k. True: it may be; offer it.
  bool admits(float key) const { return key <= worst_key_; }

  // An infinity while there are fewer than k.
  float worst_key() const { return worst_key_; }

  void offer(Candidate candidate) {
    if (k_ == 0) return;
    if (heap_.size() == k_) {
      if (!(candidate < heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end());
      heap_.back() = std::move(candidate);
    } else {
      heap_.push_back(std::move(candidate));
    }
    std::push_heap(heap_.begin(), heap_.end());
    if (heap_.size() == k_) worst_key_ = heap_.front().key;
  }

  // First comes first. Ends this object's use.
  std::vector<Candidate> sorted() {
    std::sort_heap(heap_.begin(), heap_.end());
    return std::move(heap_);
  }

 private:
  std::size_t k_;
  float worst_key_ = std::numeric_limits<float>::infinity();
  std::vector<Candidate> heap_;  // The worst of the kept on top.
};

}  // namespace selvedge::vectors
