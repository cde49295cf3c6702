// RecentFilters: few enough to be looked at one after the other.
#include "vectors/recent_filters.h"

#include <algorithm>
#include <utility>

namespace selvedge::vectors {

std::shared_ptr<const ListedSlots> RecentFilters::find(std::string_view filter) {
  const std::lock_guard lock(known_mutex_);
  const auto found = std::find_if(known_.rbegin(), known_.rend(),
                                  [&](const Known& each) { return each.filter == filter; });
  if (found == known_.rend()) return nullptr;
  std::rotate(known_.rbegin(), found, found + 1);
  return known_.back().slots;
}

void RecentFilters::keep(std::string filter, std::shared_ptr<const ListedSlots> slots) {
  const std::size_t bytes = sizeof(Known) + filter.capacity() + slots->bytes();
  if (bytes > bytes_most_) return;
  std::vector<Known> forgotten;
  const std::lock_guard lock(known_mutex_);
  // Two queries may have come with it at once.
  if (std::ranges::find(known_, filter, &Known::filter) != known_.end()) return;
  std::size_t end = 0;
  std::size_t left = bytes_;
  while (end < known_.size() && (known_.size() - end >= kMost || left + bytes > bytes_most_)) {
    left -= known_[end++].bytes;
  }
  const auto begin = known_.begin();
  forgotten.assign(std::make_move_iterator(begin),
                   std::make_move_iterator(begin + static_cast<std::ptrdiff_t>(end)));
  known_.erase(begin, begin + static_cast<std::ptrdiff_t>(end));
  known_.push_back({std::move(filter), std::move(slots), bytes});
  bytes_ = left + bytes;
}

std::size_t RecentFilters::bytes() const {
  const std::lock_guard lock(known_mutex_);
  return bytes_;
}

}  // namespace selvedge::vectors
