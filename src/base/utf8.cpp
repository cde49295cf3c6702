// UTF-8 decoding by the table of well-formed sequences (Unicode 15, table 3-7).
#include "base/utf8.h"

#include <algorithm>

namespace selvedge::utf8 {
namespace {

struct Decoded {
  char32_t code_point = 0xFFFD;
  std::size_t bytes = 1;  // Bytes taken; for an ill-formed sequence its maximal subpart.
  bool well_formed = false;
  bool cut = false;  // Ill-formed only because the text ends.
};

unsigned char byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

Decoded decode_one(std::string_view text, std::size_t at) {
  const unsigned char lead = byte_at(text, at);
  if (lead < 0x80) return {lead, 1, true, false};
  std::size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  char32_t value = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
    value = lead & 0x1Fu;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    value = lead & 0x0Fu;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    value = lead & 0x07u;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return {};
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (at + i >= text.size()) return {0xFFFD, i, false, true};
    const unsigned char next = byte_at(text, at + i);
    if (next < low || next > high) return {0xFFFD, i, false, false};
    value = (value << 6) | (next & 0x3Fu);
    low = 0x80;
    high = 0xBF;
  }
  return {value, length, true, false};
}

}  // namespace

bool valid(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (byte_at(text, at) < 0x80) {
      ++at;
      continue;
    }
    const Decoded one = decode_one(text, at);
    if (!one.well_formed) return false;
    at += one.bytes;
  }
  return true;
}

std::size_t incomplete_tail_bytes(std::string_view text) {
  const std::size_t back_max = std::min<std::size_t>(3, text.size());
  for (std::size_t back = 1; back <= back_max; ++back) {
    const unsigned char byte = byte_at(text, text.size() - back);
    if ((byte & 0xC0) == 0x80) continue;
    return decode_one(text, text.size() - back).cut ? back : 0;
  }
  return 0;
}

std::string repaired(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Decoded one = decode_one(text, at);
    if (one.well_formed) {
      out.append(text.substr(at, one.bytes));
    } else {
      out.append("\xEF\xBF\xBD");
    }
    at += one.bytes;
  }
  return out;
}

std::u32string decode(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Decoded one = decode_one(text, at);
    out.push_back(one.code_point);
    at += one.bytes;
  }
  return out;
}

void append(std::string& text, char32_t code_point) {
  const auto byte = [&](std::uint32_t value) { text.push_back(static_cast<char>(value)); };
  const auto c = static_cast<std::uint32_t>(code_point);
  if (c < 0x80) {
    byte(c);
  } else if (c < 0x800) {
    byte(0xC0 | (c >> 6));
    byte(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    byte(0xE0 | (c >> 12));
    byte(0x80 | ((c >> 6) & 0x3F));
    byte(0x80 | (c & 0x3F));
  } else {
    byte(0xF0 | (c >> 18));
    byte(0x80 | ((c >> 12) & 0x3F));
    byte(0x80 | ((c >> 6) & 0x3F));
    byte(0x80 | (c & 0x3F));
  }
}

std::size_t floor_boundary(std::string_view text, std::size_t bytes_max) {
  if (bytes_max >= text.size()) return text.size();
  std::size_t at = bytes_max;
  while (at > 0 && (byte_at(text, at) & 0xC0) == 0x80) --at;
  return at;
}

}  // namespace selvedge::utf8
