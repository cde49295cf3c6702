// Base64: three bytes to four characters, and back.
#include "base/base64.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace selvedge {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::uint8_t kNone = 255;
constexpr std::uint8_t kPassedOver = 254;

constexpr std::array<std::uint8_t, 256> values() {
  std::array<std::uint8_t, 256> table{};
  table.fill(kNone);
  for (std::size_t at = 0; at < kAlphabet.size(); ++at) {
    table[static_cast<unsigned char>(kAlphabet[at])] = static_cast<std::uint8_t>(at);
  }
  for (const char space : {' ', '\n', '\r', '\t'}) {
    table[static_cast<unsigned char>(space)] = kPassedOver;
  }
  return table;
}

constexpr std::array<std::uint8_t, 256> kValues = values();

}  // namespace

void append_base64(std::string& text, std::span<const std::byte> bytes) {
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

std::optional<std::string> base64_bytes(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t group = 0;
  int bits = 0;
  std::size_t digits = 0;
  std::size_t at = 0;
  for (; at < text.size() && text[at] != '='; ++at) {
    const std::uint8_t value = kValues[static_cast<unsigned char>(text[at])];
    if (value == kNone) return std::nullopt;
    if (value == kPassedOver) continue;
    ++digits;
    group = (group << 6) | value;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>((group >> bits) & 255);
  }
  std::size_t padding = 0;
  for (; at < text.size(); ++at) {
    const bool space = kValues[static_cast<unsigned char>(text[at])] == kPassedOver;
    if (!space && text[at] != '=') return std::nullopt;
    padding += space ? 0 : 1;
  }
  const bool whole =
      digits % 4 != 1 && padding <= 2 && (padding == 0 || (digits + padding) % 4 == 0);
  if (!whole) return std::nullopt;
  return bytes;
}

}  // namespace selvedge
