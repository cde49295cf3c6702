// VocabularyTexts: what the tokens of a vocabulary say, in an order in which neighbours begin
// alike.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "llama.h"

namespace selvedge::engines {

// Immutable. Of a vocabulary of 128,256 tokens it takes 9 MB.
class VocabularyTexts {
 public:
  // `pieces`: of each token by its id; those that say nothing, or part of a character, are not
  // here.
  explicit VocabularyTexts(std::span<const std::string> pieces);

  struct Text {
    llama_token token = 0;
    std::uint32_t begin = 0;   // Among all characters.
    std::uint32_t size = 0;    // Characters, at least 1.
    std::uint32_t shared = 0;  // How many of them begin the text before, too.
  };
  std::span<const Text> texts() const { return texts_; }
  // Code points.
  std::span<const char32_t> characters(const Text& text) const {
    return std::span(characters_).subspan(text.begin, text.size);
  }

  // Null where it is not here.
  const Text* find(llama_token token) const;

 private:
  std::vector<char32_t> characters_;
  std::vector<Text> texts_;
  std::vector<std::uint32_t> places_;  // Of each token in texts_.
};

}  // namespace selvedge::engines
