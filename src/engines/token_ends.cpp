// Token ends: byte by byte where pieces repeat the text, character by character where they do not.
#include "engines/token_ends.h"

#include <algorithm>

#include "base/utf8.h"

namespace selvedge::engines {
namespace {

// How far ahead a piece is looked for, after one that was not found where it should be.
constexpr std::size_t kResyncBytes = 64;

bool is_space(char byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

char lowered(char byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
}

bool starts_with_folded(std::string_view text, std::string_view piece) {
  if (text.size() < piece.size()) return false;
  return std::equal(piece.begin(), piece.end(), text.begin(),
                    [](char a, char b) { return lowered(a) == lowered(b); });
}

std::size_t skip_spaces(std::string_view text, std::size_t at) {
  while (at < text.size() && is_space(text[at])) ++at;
  return at;
}

std::size_t skip_characters(std::string_view text, std::size_t at, std::size_t characters) {
  while (characters > 0 && at < text.size()) {
    ++at;
    while (at < text.size() && is_continuation(text[at])) ++at;
    --characters;
  }
  return at;
}

// One piece that should begin at `at`; returns its end.
std::size_t end_of(std::string_view text, std::size_t at, std::string_view piece) {
  if (starts_with_folded(text.substr(at), piece)) return at + piece.size();
  while (!piece.empty() && is_space(piece.front())) piece.remove_prefix(1);
  const std::size_t start = skip_spaces(text, at);
  if (piece.empty()) return at;
  const std::string_view window = text.substr(start, kResyncBytes + piece.size());
  for (std::size_t ahead = 0; ahead + piece.size() <= window.size(); ++ahead) {
    if (is_continuation(window[ahead]) && !is_continuation(piece.front())) continue;
    if (starts_with_folded(window.substr(ahead), piece)) return start + ahead + piece.size();
    // A short piece is found anywhere: only look far for one that says something.
    if (piece.size() < 4 && ahead >= 4) break;
  }
  return skip_characters(text, start, std::max<std::size_t>(1, utf8::decode(piece).size()));
}

}  // namespace

std::vector<std::uint32_t> token_ends(std::string_view text,
                                      const std::vector<std::string>& pieces) {
  std::vector<std::uint32_t> ends;
  ends.reserve(pieces.size());
  std::size_t at = 0;
  for (const std::string& piece : pieces) {
    // An unknown token stands for a word at most; what follows it finds its own place.
    at = piece.empty() ? skip_characters(text, skip_spaces(text, at), 1) : end_of(text, at, piece);
    ends.push_back(static_cast<std::uint32_t>(at));
  }
  if (!ends.empty()) ends.back() = static_cast<std::uint32_t>(text.size());
  return ends;
}

}  // namespace selvedge::engines
