// Token ends: where in a text each of its tokens ends, also when the tokenizer rewrote the text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace selvedge::engines {

// `pieces` are the texts of the tokens of `text`, in order; an empty one stands for a token without
// a text of its own (unknown). Returns, for each, the byte offset in `text` where it ends: never
// decreasing, the last one text.size(), cuts between characters wherever the pieces are whole
// characters. Tokenizers that lower, strip accents or drop spaces are followed by the character;
// where even that fails the offset is the nearest one that keeps the next pieces in place.
std::vector<std::uint32_t> token_ends(std::string_view text,
                                      const std::vector<std::string>& pieces);

}  // namespace selvedge::engines
