// Text units: words by ASCII and Latin letters, everything else by the character.
#include "text_units.h"

#include "base/utf8.h"

namespace selvedge::scripted {
namespace {

bool is_space(char byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

// Letters of the scripts that put spaces between words (up to U+1FFF), digits included.
bool is_word(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character.front());
  if (lead < 0x80) {
    const char byte = character.front();
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || byte == '_';
  }
  return lead < 0xE2;
}

std::string_view character_at(std::string_view text, std::size_t at) {
  std::size_t end = at + 1;
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
  return text.substr(at, end - at);
}

}  // namespace

std::vector<std::string_view> text_units(std::string_view text) {
  std::vector<std::string_view> units;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && is_space(text[end])) ++end;
    if (end < text.size()) {
      std::string_view character = character_at(text, end);
      end += character.size();
      while (is_word(character) && end < text.size()) {
        const std::string_view next = character_at(text, end);
        if (!is_word(next)) break;
        end += next.size();
      }
    }
    units.push_back(text.substr(at, end - at));
    at = end;
  }
  return units;
}

std::string_view without_spaces(std::string_view unit) {
  while (!unit.empty() && is_space(unit.front())) unit.remove_prefix(1);
  return unit;
}

std::uint64_t text_hash(std::string_view text, std::uint64_t salt) {
  std::uint64_t hash = 0xCBF29CE484222325u ^ salt;
  for (const char byte : text) {
    const char low = byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
    hash = (hash ^ static_cast<unsigned char>(low)) * 0x100000001B3u;
  }
  // The low bits of FNV are weak: mix before somebody takes a remainder.
  hash ^= hash >> 32;
  hash *= 0xD6E8FEB86659FD93u;
  return hash ^ (hash >> 32);
}

}  // namespace selvedge::scripted
