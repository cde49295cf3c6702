// VocabularyTexts: sorted once, so that a walk over all reads what many share once.
#include "engines/vocabulary_texts.h"

#include <algorithm>
#include <limits>

#include "base/utf8.h"

namespace selvedge::engines {
namespace {

constexpr std::uint32_t kNowhere = std::numeric_limits<std::uint32_t>::max();

}  // namespace

VocabularyTexts::VocabularyTexts(std::span<const std::string> pieces) {
  for (std::size_t token = 0; token < pieces.size(); ++token) {
    const std::string& piece = pieces[token];
    if (piece.empty() || piece.front() == '\0' || !utf8::valid(piece)) continue;
    const std::u32string decoded = utf8::decode(piece);
    texts_.push_back({static_cast<llama_token>(token),
                      static_cast<std::uint32_t>(characters_.size()),
                      static_cast<std::uint32_t>(decoded.size()), 0});
    characters_.insert(characters_.end(), decoded.begin(), decoded.end());
  }
  std::ranges::sort(texts_, [this](const Text& a, const Text& b) {
    return std::ranges::lexicographical_compare(characters(a), characters(b));
  });
  places_.assign(pieces.size(), kNowhere);
  for (std::size_t at = 0; at < texts_.size(); ++at) {
    Text& text = texts_[at];
    places_[static_cast<std::size_t>(text.token)] = static_cast<std::uint32_t>(at);
    if (at == 0) continue;
    const auto before = characters(texts_[at - 1]);
    const auto differ = std::ranges::mismatch(characters(text), before);
    text.shared = static_cast<std::uint32_t>(differ.in2 - before.begin());
  }
}

const VocabularyTexts::Text* VocabularyTexts::find(llama_token token) const {
  if (token < 0 || static_cast<std::size_t>(token) >= places_.size()) return nullptr;
  const std::uint32_t place = places_[static_cast<std::size_t>(token)];
  return place == kNowhere ? nullptr : &texts_[place];
}

}  // namespace selvedge::engines
