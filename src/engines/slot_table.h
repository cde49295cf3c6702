// Slot table: which sequence of the model's memory a prompt goes to, and what it finds there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace selvedge::engines {

// Below -1: a cell of a picture, whose cells all have its own number.
using TokenId = std::int32_t;

// Bookkeeping of a memory of `cells` token cells, shared by `slots` sequences. It computes nothing
// itself: the caller does to the real memory what the table says.
class SlotTable {
 public:
  // `idle_cells_max`: what ended sequences may hold after a take(), the one that is continued
  // aside.
  SlotTable(std::size_t slots, std::size_t cells, std::size_t idle_cells_max);

  // A prompt's place: the first `kept` tokens are in the memory already.
  // To do in this order: forget what `slot` holds beyond what is kept (all, when copying), share
  // cells [0, kept) of `copy_from` when that is another slot, forget all of `cleared`.
  struct Placement {
    std::size_t slot = 0;
    std::size_t kept = 0;
    std::size_t copy_from = 0;
    std::vector<std::size_t> cleared;
  };

  struct Question {
    std::span<const TokenId> prompt;
    std::size_t tokens_max = 0;  // Of the completion.
    // Not 0: keep only whole chunks of this many tokens that were computed exactly (see append),
    // and if nothing runs, forget all else.
    std::size_t exact_chunk = 0;
    bool may_keep = true;
    // What else the memory of a prompt hangs on: only slots of the same key have its beginning.
    std::uint64_t key = 0;
    // False: a beginning ends before the first picture. It never ends inside of one.
    bool keep_pictures = true;
  };

  // Finds a place and takes it until release(): the slot that holds the longest common beginning,
  // or another one that shares it. At least one token of the prompt is left to compute. nullopt: no
  // free slot, or not enough cells while the running sequences run.
  std::optional<Placement> take(const Question& question);

  // `tokens` were computed into `slot` behind what it holds. `exact`: alone in their batch, and as
  // one chunk. Where the memory held nothing else either, computing them again gives the same bits.
  void append(std::size_t slot, std::span<const TokenId> tokens, bool exact);

  // The slot's sequence has ended. Its tokens stay for later prompts until their cells are needed.
  void release(std::size_t slot);

  // Forgets the tokens of a slot.
  void clear(std::size_t slot);

  // True when a prompt and its completion fit in an empty memory.
  bool can_ever_fit(std::size_t prompt_tokens, std::size_t tokens_max) const {
    return prompt_tokens + tokens_max <= cells_;
  }

  // Slots that hold tokens of ended sequences.
  std::vector<std::size_t> idle_slots() const;

  const std::vector<TokenId>& tokens(std::size_t slot) const { return slots_[slot].tokens; }

 private:
  struct Slot {
    std::vector<TokenId> tokens;
    std::size_t exact = 0;     // Leading tokens computed exactly.
    std::size_t reserved = 0;  // Cells promised to the running sequence.
    bool running = false;
    bool solitary = false;  // Nothing else was in the memory when it was taken.
    std::uint64_t used_at = 0;
    std::uint64_t key = 0;  // Of `tokens`.
  };

  std::size_t common_tokens(const Slot& slot, const Question& question) const;
  std::optional<std::size_t> idle_slot_for(std::size_t source, std::size_t kept) const;
  std::optional<std::size_t> oldest_idle_with_tokens(std::size_t but, std::size_t and_but) const;
  std::vector<std::size_t> clear_all_but(std::size_t slot);
  std::size_t running_cells() const;
  std::size_t idle_cells() const;

  std::vector<Slot> slots_;
  std::size_t cells_;
  std::size_t idle_cells_max_;
  std::uint64_t clock_ = 0;
};

}  // namespace selvedge::engines
