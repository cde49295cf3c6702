// Kinds of characters by ranges of Unicode: enough for sentences and words, no tables to keep.
#include "rag/characters.h"

namespace selvedge::rag {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

constexpr Range kCjk[] = {
    {0x1100, 0x11FF}, {0x2E80, 0x2FDF}, {0x3005, 0x3007}, {0x3021, 0x3029}, {0x3040, 0x30FF},
    {0x3100, 0x312F}, {0x3130, 0x318F}, {0x31A0, 0x31BF}, {0x31F0, 0x31FF}, {0x3400, 0x4DBF},
    {0x4E00, 0x9FFF}, {0xAC00, 0xD7AF}, {0xF900, 0xFAFF}, {0xFF66, 0xFF9F}, {0x20000, 0x323AF},
};

constexpr Range kKanaOrHangul[] = {
    {0x1100, 0x11FF}, {0x3040, 0x30FF}, {0x3130, 0x318F},
    {0x31F0, 0x31FF}, {0xAC00, 0xD7AF}, {0xFF66, 0xFF9F},
};

// Punctuation, symbols and controls above ASCII.
constexpr Range kMarks[] = {
    {0x80, 0xA9},     {0xAB, 0xB4},     {0xB6, 0xB9},     {0xBB, 0xBF},     {0xD7, 0xD7},
    {0xF7, 0xF7},     {0x2000, 0x206F}, {0x20A0, 0x20CF}, {0x2190, 0x2BFF}, {0x2E00, 0x2E7F},
    {0x3000, 0x3004}, {0x3008, 0x3020}, {0x3030, 0x303F}, {0xFE10, 0xFE6F}, {0xFF00, 0xFF0F},
    {0xFF1A, 0xFF20}, {0xFF3B, 0xFF40}, {0xFF5B, 0xFF65}, {0xFFE0, 0xFFFD}, {0x1F000, 0x1FAFF},
    {0x0964, 0x0965}, {0x060C, 0x060C}, {0x061B, 0x061F}, {0x06D4, 0x06D4},
};

template <std::size_t N>
bool in(const Range (&ranges)[N], char32_t code) {
  for (const Range& range : ranges) {
    if (code >= range.first && code <= range.last) return true;
  }
  return false;
}

// U+00C0 to U+017F in lower case without accents; '-' where a letter has no plain form.
constexpr std::string_view kUnaccented =
    "aaaaaa-ceeeeiiiidnooooo-ouuuuy--aaaaaa-ceeeeiiii"
    "dnooooo-ouuuuy-yaaaaaaccccccccddddeeeeeeeeeegggg"
    "gggghhhhiiiiiiiiii--jjkkkllllllllllnnnnnnn--oooo"
    "oo--rrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
static_assert(kUnaccented.size() == 0x180 - 0xC0);

}  // namespace

std::vector<Character> characters(std::string_view text) {
  std::vector<Character> out;
  out.reserve(text.size());
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  for (std::size_t at = 0; at < text.size();) {
    const unsigned char lead = byte(at);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t code = lead < 0x80 ? lead : lead & (0xFFu >> (length + 1));
    bool whole = at + length <= text.size() && (lead < 0x80 || lead >= 0xC2);
    for (std::size_t i = 1; whole && i < length; ++i) {
      whole = (byte(at + i) & 0xC0) == 0x80;
      code = (code << 6) | (byte(at + i) & 0x3Fu);
    }
    out.push_back({whole ? code : 0xFFFD, static_cast<std::uint32_t>(at)});
    at += whole ? length : 1;
  }
  return out;
}

bool is_space(char32_t code) {
  return code == ' ' || (code >= '\t' && code <= '\r') || code == 0xA0 || code == 0x3000 ||
         (code >= 0x2000 && code <= 0x200B) || code == 0x2028 || code == 0x2029;
}

bool is_digit(char32_t code) { return code >= '0' && code <= '9'; }

bool is_cjk(char32_t code) { return code >= 0x1100 && in(kCjk, code); }

bool is_kana_or_hangul(char32_t code) { return in(kKanaOrHangul, code); }

bool is_word(char32_t code) {
  if (code < 0x80) {
    return is_digit(code) || (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
  }
  return !is_cjk(code) && !in(kMarks, code);
}

bool is_upper(char32_t code) {
  if (code < 0x80) return code >= 'A' && code <= 'Z';
  if (code >= 0xC0 && code <= 0xDE) return code != 0xD7;
  if (code >= 0x100 && code <= 0x137) return code % 2 == 0;
  if (code >= 0x14A && code <= 0x177) return code % 2 == 0;
  return (code >= 0x391 && code <= 0x3A9) || (code >= 0x400 && code <= 0x42F);
}

char32_t folded(char32_t code) {
  if (code >= 'A' && code <= 'Z') return code + 32;
  if (code >= 0xC0 && code < 0x180) {
    const char plain = kUnaccented[code - 0xC0];
    if (plain != '-') return static_cast<unsigned char>(plain);
    return code < 0xDF ? code + 32 : code;
  }
  if ((code >= 0x391 && code <= 0x3A9) || (code >= 0x410 && code <= 0x42F)) return code + 32;
  if (code >= 0x400 && code <= 0x40F) return code + 80;
  if (code >= 0xFF10 && code <= 0xFF19) return code - 0xFF10 + '0';
  if (code >= 0xFF21 && code <= 0xFF3A) return code - 0xFF21 + 'a';
  if (code >= 0xFF41 && code <= 0xFF5A) return code - 0xFF41 + 'a';
  return code;
}

}  // namespace selvedge::rag
