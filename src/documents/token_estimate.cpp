// Token estimate: counts first bytes, without decoding.
#include "documents/token_estimate.h"

namespace selvedge::documents {

std::size_t estimated_tokens(std::string_view text) {
  constexpr std::size_t kCharactersPerToken = 4;
  std::size_t dense = 0;
  std::size_t others = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto first = static_cast<unsigned char>(text[at]);
    if ((first & 0xc0) == 0x80) continue;
    const auto second = at + 1 < text.size() ? static_cast<unsigned char>(text[at + 1])
                                             : static_cast<unsigned char>(0);
    // U+0E00 to U+0EFF (Thai, Lao), U+1100 to U+11FF, and U+3000 to U+D7FF, by their first bytes;
    // four bytes begin at U+10000.
    const bool in_three = (first == 0xe0 && second >= 0xb8 && second <= 0xbb) ||
                          (first == 0xe1 && second >= 0x84 && second <= 0x87) ||
                          (first >= 0xe3 && first <= 0xed);
    if (in_three || first >= 0xf0) {
      ++dense;
    } else {
      ++others;
    }
  }
  return dense + (others + kCharactersPerToken - 1) / kCharactersPerToken;
}

}  // namespace selvedge::documents
