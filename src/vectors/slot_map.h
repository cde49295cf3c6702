// SlotMap: which slot the vector of an id has. Holds numbers only; the ids stay where the rows are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "vectors/slot_grid.h"

namespace selvedge::vectors {

// A table of open addresses, 8 bytes an entry. `IdOf` is called with a slot and gives the id that
// stands there; it must give the same one from insert to erase. Not thread-safe.
class SlotMap {
 public:
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return entries_.capacity() * sizeof(Entry); }

  template <class IdOf>
  Slot find(std::string_view id, IdOf id_of) const {
    if (entries_.empty()) return kNoSlot;
    const std::uint32_t hash = hash_of(id);
    for (std::size_t at = hash & mask(); entries_[at].slot != kNoSlot; at = (at + 1) & mask()) {
      if (entries_[at].hash == hash && id_of(entries_[at].slot) == id) return entries_[at].slot;
    }
    return kNoSlot;
  }

  // The id must not be there.
  void insert(std::string_view id, Slot slot) {
    reserve(size_ + 1);
    place({hash_of(id), slot});
    ++size_;
  }

  // `slot` must be there, with this id.
  void erase(std::string_view id, Slot slot) {
    std::size_t hole = hash_of(id) & mask();
    while (entries_[hole].slot != slot) hole = (hole + 1) & mask();
    // What stands behind moves up, unless it would leave the run that begins at its own place.
    for (std::size_t at = (hole + 1) & mask(); entries_[at].slot != kNoSlot;
         at = (at + 1) & mask()) {
      const std::size_t home = entries_[at].hash & mask();
      if (((at - home) & mask()) < ((at - hole) & mask())) continue;
      entries_[hole] = entries_[at];
      hole = at;
    }
    entries_[hole] = Entry();
    --size_;
  }

  // Makes room for `count` ids at once.
  void reserve(std::size_t count) {
    std::size_t size = entries_.empty() ? kEntriesLeast : entries_.size();
    while (count * 3 > size * 2) size *= 2;
    if (size == entries_.size()) return;
    const std::vector<Entry> old = std::exchange(entries_, std::vector<Entry>(size));
    for (const Entry& entry : old) {
      if (entry.slot != kNoSlot) place(entry);
    }
  }

 private:
  static constexpr std::size_t kEntriesLeast = 64;
  struct Entry {
    std::uint32_t hash = 0;
    Slot slot = kNoSlot;
  };

  static std::uint32_t hash_of(std::string_view id) {
    return static_cast<std::uint32_t>(std::hash<std::string_view>()(id));
  }
  std::size_t mask() const { return entries_.size() - 1; }
  void place(Entry entry) {
    std::size_t at = entry.hash & mask();
    while (entries_[at].slot != kNoSlot) at = (at + 1) & mask();
    entries_[at] = entry;
  }

  std::vector<Entry> entries_;
  std::size_t size_ = 0;
};

}  // namespace selvedge::vectors
