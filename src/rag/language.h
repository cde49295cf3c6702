// Language: which scripts a question is in, and how to say in its language that there is no answer.
#pragma once

#include <cstdint>
#include <string_view>

namespace selvedge::rag {

// How much of a text is CJK, 0 to 1, by the weight of letters: a CJK character counts as much as
// two and a half others, since words have about two of the ones and five of the others. 0 for a
// text without letters.
double cjk_share(std::string_view text);

enum class Language : std::uint8_t { english, chinese_simplified, chinese_traditional };

// Of the question: Chinese as soon as it has Chinese characters (and no kana or hangul); simplified
// or traditional by the characters that only one of them has, first the question's, then those of
// `hint` (a passage). Every other language is answered in English.
Language language_of(std::string_view question, std::string_view hint);

// "The passages do not answer this."
std::string_view refusal(Language language);

}  // namespace selvedge::rag
