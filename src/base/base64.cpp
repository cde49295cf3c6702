// Base64: three bytes to four characters.
#include "base/base64.h"

#include <cstdint>
#include <string_view>

namespace selvedge {

void append_base64(std::string& text, std::span<const std::byte> bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  text.reserve(text.size() + (bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t group = 0;
    for (std::size_t one = 0; one < 3; ++one) {
      group <<= 8;
      if (at + one < bytes.size()) group |= std::to_integer<std::uint32_t>(bytes[at + one]);
    }
    for (std::size_t one = 0; one < 4; ++one) {
      const bool padding = at + one > bytes.size();
      text += padding ? '=' : kAlphabet[(group >> (18 - 6 * one)) & 63];
    }
  }
}

}  // namespace selvedge
