// Graph: every slot's near ones, pruned so that a walk from anywhere comes near to anything.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ann/aligned_vector.h"
#include "ann/candidates.h"
#include "ann/kernels.h"
#include "ann/quantizer.h"
#include "ann/reserved_array.h"
#include "ann/slot.h"
#include "ann/visited.h"

namespace selvedge::ann {

// The codes of all slots, and what made them. Slots are written before a graph links them.
struct Codes {
  Codes(std::shared_ptr<const Quantizer> made_by, std::size_t capacity)
      : quantizer(std::move(made_by)),
        heads(capacity * kBlockBytes),
        rests(capacity * quantizer->rest_bytes()) {}

  std::uint8_t* head(Slot slot) const { return heads.data() + slot * kBlockBytes; }
  std::uint8_t* rest(Slot slot) const { return rests.data() + slot * quantizer->rest_bytes(); }
  // Slots below `count` will be written: see ReservedMemory::announce.
  void announce(std::size_t count) const {
    heads.announce(count * kBlockBytes);
    rests.announce(count * quantizer->rest_bytes());
  }

  std::shared_ptr<const Quantizer> quantizer;
  // Apart, because most of what a search comes by is judged by its head.
  ReservedArray<std::uint8_t> heads;
  ReservedArray<std::uint8_t> rests;
};

// Slots where searches begin, and copies of their heads, one behind the other. Immutable.
struct Entries {
  std::vector<Slot> slots;
  std::vector<Slot> places;  // 0, 1, 2 …: of the copies.
  AlignedVector<std::uint8_t> heads;
};

// A Vamana graph (Subramanya et al., DiskANN, 2019), grown one slot at a time. Searches run on any
// thread, beside everything else, and never wait: rows change in place, number by number. One
// thread at a time does the rest.
//
// Slots of the same code are a chain: the row of each leads to the one before and the one behind,
// and no other row to more than one of them. So whoever finds one finds all, as far as the width
// goes, and they crowd nothing out of the rows of others.
//
// Dead slots stay where they are and are found, until they are taken out (as FreshDiskANN does,
// Singh et al., 2021): marked, then row by row replaced by what they led to, then forgotten. From
// then on no row leads there; a search that began before may still read such a slot's code, so
// whoever gives the slot anew waits for those to end.
class Graph {
 public:
  // A row is a count and up to 63 slots: four cache lines.
  static constexpr std::size_t kRowNumbers = 64;
  static constexpr std::size_t kNeighboursMost = kRowNumbers - 1;

  struct Shape {
    std::size_t degree = 48;  // To which rows are pruned.
    std::size_t width = 128;  // Of the search for a new slot's neighbours.
    float slack = 1.2F;       // Vamana's alpha, of squared distances.
  };

  // What a search or a link needs; reused. Not thread-safe.
  struct Scratch {
    Quantizer::Scratch query;
    Candidates candidates;
    Candidates allowed;
    Visited visited;
    std::vector<Slot> others;
    std::vector<float> scores;
    std::vector<float> largest;
    // Of pruning: codes as whole bytes, once 0…15 and once less 8, [count x 128 x blocks].
    AlignedVector<std::uint8_t> levels;
    AlignedVector<std::int8_t> moved;
    struct Partner {
      Slot slot = kNoSlot;
      float distance = 0;    // Squared, to the row's own.
      std::uint32_t at = 0;  // Where its bytes lie.
      float factor = 0;
      float bias = 0;
      float rest_factor = 0;
      float beyond = 0;  // Of the product space: see Graph::distance.
      std::int32_t sums[2] = {0, 0};
    };
    std::vector<Partner> partners;
    std::vector<std::uint32_t> left;
    std::vector<std::int32_t> dots;
    std::vector<std::int32_t> rest_dots;
    std::vector<std::uint32_t> chosen;
    std::vector<Slot> kept;
    std::size_t hops = 0;   // Of the last search: rows read,
    std::size_t seen = 0;   // heads scored,
    std::size_t whole = 0;  // and rests.
  };

  // Of slots below `capacity`, which costs address space only.
  Graph(std::size_t capacity, Shape shape)
      : shape_(shape), rows_(capacity * kRowNumbers), states_(capacity) {}

  const Shape& shape() const { return shape_; }

  // Slots below `count` will be linked: see ReservedMemory::announce.
  void announce(std::size_t count) {
    rows_.announce(count * kRowNumbers);
    slot_end_.store(count, std::memory_order_release);
  }

  // How long a walk goes on: it keeps and follows the `width` best slots, and gives up when
  // `patience` rows, one after the other, brought nothing among the best `front`. Most walks have
  // found what there is long before they have followed all that they keep.
  struct Effort {
    std::size_t width = 0;
    std::size_t front = 0;
    std::size_t patience = 0;

    // Follows all.
    static Effort whole(std::size_t width) { return {width, width, width + 1}; }
  };
  // The best slots that a walk finds, in scratch.candidates. Slots of dead vectors are among them
  // until they are taken out.
  void search(const Codes& codes, const CodeQuery& query, const Effort& effort,
              Scratch& scratch) const;

  // The best slots among those that are allowed, in scratch.allowed. The walk goes through all, and
  // ends when there are `width` of them and nothing that it could follow is as good as the worst of
  // those, or it lost its patience. False: with the next rows it would have followed more than
  // `hops_most`.
  struct Allowed {
    const void* context = nullptr;
    bool (*test)(const void* context, Slot slot) = nullptr;
  };
  bool search_allowed(const Codes& codes, const CodeQuery& query, const Effort& effort,
                      const Allowed& allowed, std::size_t hops_most, Scratch& scratch) const;
  // The same of listed slots, whose codes are written, without a walk: by all their heads, and the
  // rests of those whose score the rest may raise enough. Missed are some of the best whose rests
  // raise their scores by so many deviations more than those of the nearest do on average.
  static void search_listed(const Codes& codes, const CodeQuery& query, std::size_t width,
                            double deviations, std::span<const Slot> slots, Scratch& scratch);

  // Makes the slot, whose code is written, reachable. `query` is its own, by distance.
  void link(const Codes& codes, Slot slot, const CodeQuery& query, Scratch& scratch);

  // Whether the slot was linked and not forgotten since.
  bool linked(Slot slot) const { return slot < slot_end() && states_[slot] != State::none; }

  // From now on nothing is linked to these slots, which are linked.
  void mark_dying(std::span<const Slot> slots);
  // In the rows of the slots from `first` up to `end`: replaces those that are dying. Once all rows
  // were looked at, the dying can be forgotten.
  void mend_rows(const Codes& codes, Slot first, Slot end, Scratch& scratch);
  void forget(const Codes& codes, std::span<const Slot> slots);

  // New codes of the same slots: the copies in the entries are made anew.
  void renew_entries(const Codes& codes);

  // To restore a graph that has nothing yet: the rows of the slots below `count`, which the caller
  // fills, and then restore(). `held` has a byte for each, not 0 where the slot is linked; all have
  // codes. False: these rows are not those of a graph, and this one is of no more use.
  std::span<std::uint32_t> rows_to_fill(std::size_t count) {
    announce(count);
    return rows_.first(count * kRowNumbers);
  }
  bool restore(const Codes& codes, std::span<const std::uint8_t> held, std::span<const Slot> begun);

  // The rows of all slots below slot_end(), for a checkpoint; kRowNumbers numbers each.
  std::span<const std::uint32_t> rows() const { return {rows_.data(), slot_end() * kRowNumbers}; }
  std::size_t slot_end() const { return slot_end_.load(std::memory_order_acquire); }

  std::shared_ptr<const Entries> entries() const {
    const std::lock_guard lock(entries_mutex_);
    return entries_;
  }

  std::size_t linked_count() const { return linked_count_.load(std::memory_order_relaxed); }

 private:
  using Partner = Scratch::Partner;
  enum class State : std::uint8_t { none, linked, dying };
  // Dying slots of one code that follow each other in their chain, while rows are mended.
  struct Stretch {
    std::vector<Slot> ends;   // Living copies that it leads to: two, where the chain is whole.
    std::vector<Slot> exits;  // Other living slots.
  };

  std::uint32_t* row(Slot slot) const { return rows_.data() + slot * kRowNumbers; }
  // What is new of these rows, with scores, as far as it may be better than `least`. Returns how
  // many.
  std::size_t expand(const Codes& codes, const CodeQuery& query, std::span<const Slot> from,
                     float least, Scratch& scratch, Slot* fresh, float* scores) const;
  std::size_t read_row(Slot slot, Slot* neighbours) const;
  void write_row(Slot slot, std::span<const Slot> neighbours);
  void mend_row(const Codes& codes, Slot slot, Scratch& scratch);
  void prune_around(const Codes& codes, Slot slot, std::span<const Slot> others, Scratch& scratch);

  void add_partner(const Codes& codes, Slot slot, Scratch& scratch) const;
  void measure(const Codes& codes, const Partner& from, const std::uint32_t* chosen,
               std::size_t count, Scratch& scratch) const;
  void prune(const Codes& codes, Scratch& scratch) const;
  void link_back(const Codes& codes, Slot from, Slot to, Scratch& scratch);
  void begin_linked(const Codes& codes, Slot slot, std::span<const Slot> neighbours);

  std::vector<Slot> copies_in_row(const Codes& codes, Slot slot) const;
  const Stretch& stretch_of(const Codes& codes, Slot dying);
  Slot beyond_dying(const Codes& codes, Slot slot, Slot dying);
  bool leads_to(const Codes& codes, Slot at, Slot copy);
  Slot find_copy(const Codes& codes, Slot slot, const Candidates& found);
  void link_copy(const Codes& codes, Slot slot, Slot copy, Scratch& scratch);
  void replace_in_row(const Codes& codes, Slot of, Slot old, Slot next, Scratch& scratch);
  static float distance(const Codes& codes, const Partner& a, const Partner& b, std::int32_t dot,
                        std::int32_t rest_dot);
  void begin(const Codes& codes, const CodeQuery& query, Scratch& scratch) const;
  void set_entries(const Codes& codes, std::shared_ptr<Entries> next);
  void maybe_enter(const Codes& codes, Slot slot);

  const Shape shape_;
  ReservedArray<std::uint32_t> rows_;
  ReservedArray<State> states_;                       // Of the one thread.
  std::unordered_map<Slot, std::size_t> stretch_at_;  // Of those of the dying that were looked at.
  std::deque<Stretch> stretches_;
  std::atomic<std::size_t> linked_count_{0};
  std::atomic<std::size_t> slot_end_{0};  // Slots in rows are below.
  mutable std::mutex entries_mutex_;      // Guards the pointer.
  std::shared_ptr<const Entries> entries_ = std::make_shared<const Entries>();
};

}  // namespace selvedge::ann
