// Slot table: longest common beginning first, then the slot least recently used.
#include "engines/slot_table.h"

#include <algorithm>

#include "base/check.h"

namespace selvedge::engines {

namespace {

bool is_picture(TokenId token) { return token < -1; }

// `common` tokens of the prompt, or fewer.
std::size_t whole_pictures(const SlotTable::Question& question, std::size_t common) {
  const std::span<const TokenId> prompt = question.prompt;
  if (!question.keep_pictures) {
    const auto first = std::find_if(prompt.begin(), prompt.end(), is_picture);
    return std::min(common, static_cast<std::size_t>(first - prompt.begin()));
  }
  while (common > 0 && common < prompt.size() && is_picture(prompt[common]) &&
         prompt[common] == prompt[common - 1]) {
    --common;
  }
  return common;
}

}  // namespace

SlotTable::SlotTable(std::size_t slots, std::size_t cells, std::size_t idle_cells_max)
    : slots_(slots), cells_(cells), idle_cells_max_(idle_cells_max) {}

std::size_t SlotTable::common_tokens(const Slot& slot, const Question& question) const {
  if (!question.may_keep || question.prompt.empty() || slot.key != question.key) return 0;
  const auto [mine, theirs] = std::mismatch(slot.tokens.begin(), slot.tokens.end(),
                                            question.prompt.begin(), question.prompt.end());
  auto common = static_cast<std::size_t>(mine - slot.tokens.begin());
  // The last token of the prompt is always computed: its logits are the first token's.
  common = std::min(common, question.prompt.size() - 1);
  if (question.exact_chunk > 0) {
    common = std::min(common, slot.exact);
    common -= common % question.exact_chunk;
  }
  return whole_pictures(question, common);
}

std::size_t SlotTable::running_cells() const {
  std::size_t cells = 0;
  for (const Slot& slot : slots_) cells += slot.running ? slot.reserved : 0;
  return cells;
}

std::size_t SlotTable::idle_cells() const {
  std::size_t cells = 0;
  for (const Slot& slot : slots_) cells += slot.running ? 0 : slot.tokens.size();
  return cells;
}

// The slot that holds the beginning is taken itself when most of what it holds is wanted; else its
// conversation is worth keeping, and the beginning is shared into another one.
std::optional<std::size_t> SlotTable::idle_slot_for(std::size_t source, std::size_t kept) const {
  std::optional<std::size_t> oldest;
  for (std::size_t at = 0; at < slots_.size(); ++at) {
    const Slot& slot = slots_[at];
    if (slot.running) continue;
    if (at == source && kept > 0 && kept * 2 >= slot.tokens.size()) return at;
    const bool older = !oldest || (slot.tokens.empty() && !slots_[*oldest].tokens.empty()) ||
                       (slot.tokens.empty() == slots_[*oldest].tokens.empty() &&
                        slot.used_at < slots_[*oldest].used_at);
    if (older) oldest = at;
  }
  return oldest;
}

std::optional<std::size_t> SlotTable::oldest_idle_with_tokens(std::size_t but,
                                                              std::size_t and_but) const {
  std::optional<std::size_t> oldest;
  for (std::size_t at = 0; at < slots_.size(); ++at) {
    if (at == but || at == and_but || slots_[at].running || slots_[at].tokens.empty()) continue;
    if (!oldest || slots_[at].used_at < slots_[*oldest].used_at) oldest = at;
  }
  return oldest;
}

std::optional<SlotTable::Placement> SlotTable::take(const Question& question) {
  const std::size_t needed = question.prompt.size() + question.tokens_max;
  const std::size_t running = running_cells();
  if (running + needed > cells_) return std::nullopt;

  Placement place;
  for (std::size_t at = 0; at < slots_.size(); ++at) {
    const std::size_t common = common_tokens(slots_[at], question);
    if (common <= place.kept) continue;
    place.kept = common;
    place.copy_from = at;
  }
  const bool solitary = question.exact_chunk > 0 && running == 0;
  // A memory to itself, and in it the beginning where it is.
  const auto target = solitary && place.kept > 0 ? std::optional(place.copy_from)
                                                 : idle_slot_for(place.copy_from, place.kept);
  if (!target) return std::nullopt;
  place.slot = *target;
  if (place.kept == 0) place.copy_from = place.slot;

  Slot& slot = slots_[place.slot];
  const std::size_t exact = std::min(slots_[place.copy_from].exact, place.kept);
  slot.tokens.assign(question.prompt.begin(),
                     question.prompt.begin() + static_cast<std::ptrdiff_t>(place.kept));
  slot.exact = exact;
  slot.key = question.key;
  slot.running = true;
  slot.solitary = solitary;
  if (solitary) place.cleared = clear_all_but(place.slot);
  slot.reserved = needed;
  slot.used_at = ++clock_;
  const std::size_t idle_max = std::min(idle_cells_max_, cells_ - running_cells());
  while (idle_cells() > idle_max) {
    auto victim = oldest_idle_with_tokens(place.slot, place.copy_from);
    // The source goes last; its shared cells live on in the slot.
    if (!victim) victim = place.copy_from;
    SEL_CHECK(!slots_[*victim].running);
    clear(*victim);
    place.cleared.push_back(*victim);
  }
  return place;
}

std::vector<std::size_t> SlotTable::clear_all_but(std::size_t slot) {
  std::vector<std::size_t> cleared;
  for (std::size_t at = 0; at < slots_.size(); ++at) {
    if (at == slot || slots_[at].tokens.empty()) continue;
    clear(at);
    cleared.push_back(at);
  }
  return cleared;
}

void SlotTable::append(std::size_t slot, std::span<const TokenId> tokens, bool exact) {
  Slot& one = slots_[slot];
  const bool same_again = exact && one.solitary && one.exact == one.tokens.size();
  if (same_again) one.exact += tokens.size();
  one.tokens.insert(one.tokens.end(), tokens.begin(), tokens.end());
}

void SlotTable::release(std::size_t slot) {
  slots_[slot].running = false;
  slots_[slot].reserved = 0;
  slots_[slot].used_at = ++clock_;
}

void SlotTable::clear(std::size_t slot) {
  slots_[slot].tokens.clear();
  slots_[slot].exact = 0;
}

std::vector<std::size_t> SlotTable::idle_slots() const {
  std::vector<std::size_t> idle;
  for (std::size_t at = 0; at < slots_.size(); ++at) {
    if (!slots_[at].running && !slots_[at].tokens.empty()) idle.push_back(at);
  }
  return idle;
}

}  // namespace selvedge::engines
