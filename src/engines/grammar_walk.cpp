// GrammarWalk: a deterministic automaton, made of the grammar as far as it is walked.
#include "engines/grammar_walk.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace selvedge::engines {
namespace {

// What a state takes grows with what is open: some KB mostly.
constexpr std::size_t kStatesMax = 2'000;

bool is_before_token(const llama_grammar_stack& stack) {
  return !stack.empty() && (stack.back()->type == LLAMA_GRETYPE_TOKEN ||
                            stack.back()->type == LLAMA_GRETYPE_TOKEN_NOT);
}

// By what follows it in its rule: alternatives, ranges.
bool matches(const llama_grammar_element* at, char32_t character) {
  const bool wanted = at->type != LLAMA_GRETYPE_CHAR_NOT;
  do {
    if (at->type == LLAMA_GRETYPE_CHAR_ANY) return true;
    const bool is_range = at[1].type == LLAMA_GRETYPE_CHAR_RNG_UPPER;
    if (at->value <= character && character <= (is_range ? at[1].value : at->value)) return wanted;
    at += is_range ? 2 : 1;
  } while (at->type == LLAMA_GRETYPE_CHAR_ALT);
  return !wanted;
}

}  // namespace

GrammarWalk::State::State(const llama_grammar_stacks& ways) : stacks(&ways) {
  by_ascii.fill(kUnknown);
  for (const llama_grammar_stack& stack : ways) {
    if (!stack.empty() && !is_before_token(stack)) classes.push_back(stack.back());
  }
  std::ranges::sort(classes);
  const auto same = std::ranges::unique(classes);
  classes.erase(same.begin(), same.end());
}

bool GrammarWalk::applies() const {
  return grammar_.partial_utf8.n_remain == 0 &&
         std::ranges::none_of(grammar_.stacks, is_before_token);
}

bool GrammarWalk::reads(const VocabularyTexts::Text& text) {
  forget_if_many();
  Place at = start();
  for (const char32_t character : texts_.characters(text)) {
    at = next(at, character);
    if (at == kDead) return false;
  }
  return true;
}

std::vector<bool> GrammarWalk::readable() {
  std::vector<bool> readable(static_cast<std::size_t>(llama_vocab_n_tokens(grammar_.vocab)));
  std::vector<Place> path = {start()};  // States after each character of the text.
  for (const VocabularyTexts::Text& text : texts_.texts()) {
    if (forget_if_many()) path = {start()};
    // As many of what was read before as begins this text, too, and was not given up.
    if (path.back() == kDead && text.shared + 1 >= path.size()) continue;
    path.resize(std::min<std::size_t>(path.size(), text.shared + 1));
    const auto characters = texts_.characters(text);
    while (path.size() <= characters.size() && path.back() != kDead) {
      path.push_back(next(path.back(), characters[path.size() - 1]));
    }
    readable[static_cast<std::size_t>(text.token)] = path.back() != kDead;
  }
  return readable;
}

bool GrammarWalk::forget_if_many() {
  if (states_.size() <= kStatesMax) return false;
  states_.clear();
  places_.clear();
  return true;
}

GrammarWalk::Place GrammarWalk::start() {
  if (states_.empty()) place_of({});  // kDead.
  return place_of(llama_grammar_stacks(grammar_.stacks));
}

GrammarWalk::Place GrammarWalk::place_of(llama_grammar_stacks&& stacks) {
  std::ranges::sort(stacks);
  const auto [entry, is_new] =
      places_.try_emplace(std::move(stacks), static_cast<Place>(states_.size()));
  if (is_new) states_.emplace_back(entry->first);
  return entry->second;
}

GrammarWalk::Place GrammarWalk::next(Place from, char32_t character) {
  if (character < states_[from].by_ascii.size()) {
    const Place known = states_[from].by_ascii[character];
    if (known != kUnknown) return known;
    const Place place = read(from, character);
    return states_[from].by_ascii[character] = place;
  }
  const auto known = states_[from].by_character.find(character);
  if (known != states_[from].by_character.end()) return known->second;
  const Place place = read(from, character);
  states_[from].by_character.emplace(character, place);
  return place;
}

GrammarWalk::Place GrammarWalk::read(Place from, char32_t character) {
  std::vector<bool> matching;
  for (const llama_grammar_element* one : states_[from].classes) {
    matching.push_back(matches(one, character));
  }
  const auto known = states_[from].by_classes.find(matching);
  if (known != states_[from].by_classes.end()) return known->second;
  llama_grammar_stacks present = *states_[from].stacks;
  std::swap(grammar_.stacks, present);
  llama_grammar_accept(&grammar_, character);
  std::swap(grammar_.stacks, present);
  const Place place = place_of(std::move(present));
  states_[from].by_classes.emplace(std::move(matching), place);
  return place;
}

}  // namespace selvedge::engines
