// Characters: the code points of a text with their places, and what kind each one is.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace selvedge::rag {

// A half-open range of bytes of a text.
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  bool operator==(const Span&) const = default;
};

inline std::string_view slice(std::string_view text, Span span) {
  return text.substr(span.begin, span.end - span.begin);
}

struct Character {
  char32_t code = 0;
  std::uint32_t begin = 0;  // Byte offset.
};

// In order. An ill-formed byte comes out as U+FFFD, one byte long.
std::vector<Character> characters(std::string_view text);

// Space, tab, line ends, no-break and ideographic space.
bool is_space(char32_t code);
bool is_digit(char32_t code);  // ASCII digits.
// Chinese characters, kana, hangul: scripts whose words are not set apart by spaces (hangul's are,
// but its particles are not).
bool is_cjk(char32_t code);
bool is_kana_or_hangul(char32_t code);
// A letter or digit of a script that is not CJK, without punctuation. Every code point above
// Latin-1 that is no known punctuation counts as a letter.
bool is_word(char32_t code);
// Upper case in Latin, Greek and Cyrillic.
bool is_upper(char32_t code);
// Lower case, and Latin letters without their accents: "É" and "é" become "e".
char32_t folded(char32_t code);

}  // namespace selvedge::rag
