// RecentFilters: what lists left of the filters that were asked last, as most are asked again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "vectors/listed_slots.h"

namespace selvedge::vectors {

// Of lists that do not change. Thread-safe.
class RecentFilters {
 public:
  // No more filters are known at a time, nor any whose slots take more than `bytes_most` together.
  static constexpr std::size_t kMost = 16;
  explicit RecentFilters(std::size_t bytes_most) : bytes_most_(bytes_most) {}

  // Null where it is not known.
  std::shared_ptr<const ListedSlots> find(std::string_view filter);
  // Forgets what was asked for longest ago to make room; nothing is kept that has none.
  void keep(std::string filter, std::shared_ptr<const ListedSlots> slots);

  std::size_t bytes() const;

 private:
  struct Known {
    std::string filter;
    std::shared_ptr<const ListedSlots> slots;
    std::size_t bytes = 0;
  };

  const std::size_t bytes_most_;
  mutable std::mutex known_mutex_;  // Guards both; what leaves them is freed after the unlock.
  std::vector<Known> known_;        // Asked for longest ago first.
  std::size_t bytes_ = 0;
};

}  // namespace selvedge::vectors
