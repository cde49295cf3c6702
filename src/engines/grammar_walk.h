// GrammarWalk: which texts a grammar can read next, in time that does not grow with the number of
// ways to read them.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "engines/vocabulary_texts.h"
#include "internal/llama-grammar.h"

namespace selvedge::engines {

// llama.cpp follows each way of reading a text by itself: `a*a*a*a*a*a*` can read a token of 64 "a"
// and one other character in a hundred million ways. Here all ways of having read a character are
// one state, and states that were met are kept.
class GrammarWalk {
 public:
  // Both outlive the walk.
  GrammarWalk(llama_grammar& grammar, const VocabularyTexts& texts)
      : grammar_(grammar), texts_(texts) {}

  // False where the grammar stands within a character, or before certain tokens instead of texts:
  // then the others must not be called.
  bool applies() const;
  bool reads(const VocabularyTexts::Text& text);
  // By token; false for those that are not among the texts.
  std::vector<bool> readable();

 private:
  using Place = std::uint32_t;  // Of a state.
  static constexpr Place kUnknown = 0xffffffff;
  static constexpr Place kDead = 0;  // Nothing can be read any more.

  struct State {
    explicit State(const llama_grammar_stacks& ways);

    const llama_grammar_stacks* stacks;  // A key of places_.
    // What can come next, each once. Characters that are alike to all of them lead to one state.
    std::vector<const llama_grammar_element*> classes;
    std::map<std::vector<bool>, Place> by_classes;
    std::array<Place, 128> by_ascii;  // The same by character.
    std::unordered_map<char32_t, Place> by_character;
  };

  // True: states that were known are not.
  bool forget_if_many();
  // Where the grammar stands.
  Place start();
  Place place_of(llama_grammar_stacks&& stacks);
  Place next(Place from, char32_t character);
  Place read(Place from, char32_t character);

  llama_grammar& grammar_;
  const VocabularyTexts& texts_;
  std::vector<State> states_;
  std::map<llama_grammar_stacks, Place> places_;
};

}  // namespace selvedge::engines
