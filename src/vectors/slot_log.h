// SlotLog: slots in the order in which they were filled, written by one thread while others read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "vectors/index.h"
#include "vectors/slot_grid.h"

namespace selvedge::vectors {

// Entries have positions that only grow. They stand in pieces that never move, so a view costs two
// numbers and a shared list, and what is dropped from the front is freed with the last view of it.
class SlotLog {
 public:
  // A slot may have been given anew since: then the row was born of another mutation.
  struct Entry {
    Slot slot = kNoSlot;
    MutationNumber born = 0;
  };
  static constexpr std::size_t kPieceEntries = 1'024;
  using Piece = std::array<Entry, kPieceEntries>;
  using Pieces = std::vector<std::shared_ptr<Piece>>;

  // Entries begin() to end(), as they were when it was made. May be copied and read by any thread.
  class View {
   public:
    std::uint64_t begin() const { return begin_; }
    std::uint64_t end() const { return end_; }
    std::size_t size() const { return static_cast<std::size_t>(end_ - begin_); }
    const Entry& at(std::uint64_t position) const {
      const std::uint64_t offset = position - first_;
      return (*(*pieces_)[offset / kPieceEntries])[offset % kPieceEntries];
    }

   private:
    friend class SlotLog;
    std::shared_ptr<const Pieces> pieces_;
    std::uint64_t first_ = 0;  // Position of the first entry of the first piece.
    std::uint64_t begin_ = 0;
    std::uint64_t end_ = 0;
  };

  void append(Slot slot, MutationNumber born) {
    const std::uint64_t offset = end_ - first_;
    if (offset == pieces_->size() * kPieceEntries) own().push_back(std::make_shared<Piece>());
    (*(*pieces_)[offset / kPieceEntries])[offset % kPieceEntries] = {slot, born};
    ++end_;
  }

  std::uint64_t end() const { return end_; }
  std::size_t size() const { return static_cast<std::size_t>(end_ - begin_); }

  // Forgets the entries before `position`, at most end(); none when they are forgotten already.
  void drop_before(std::uint64_t position) {
    if (position <= begin_) return;
    begin_ = position;
    const auto gone = static_cast<std::ptrdiff_t>((begin_ - first_) / kPieceEntries);
    if (gone == 0) return;
    own().erase(pieces_->begin(), pieces_->begin() + gone);
    first_ += static_cast<std::uint64_t>(gone) * kPieceEntries;
  }

  View view() {
    lent_ = true;
    View view;
    view.pieces_ = pieces_;
    view.first_ = first_;
    view.begin_ = begin_;
    view.end_ = end_;
    return view;
  }

 private:
  Pieces& own() {
    if (lent_) pieces_ = std::make_shared<Pieces>(*pieces_);
    lent_ = false;
    return *pieces_;
  }

  std::shared_ptr<Pieces> pieces_ = std::make_shared<Pieces>();
  bool lent_ = false;
  std::uint64_t first_ = 0;
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace selvedge::vectors
