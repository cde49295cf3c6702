// Base64: bytes to text and back, standard alphabet with padding (RFC 4648, section 4).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace selvedge {

// Appends the text of `bytes` to `text`.
void append_base64(std::string& text, std::span<const std::byte> bytes);

// The bytes of `text`. Line breaks and spaces in it are passed over, and padding may be missing.
// Nullopt of what is no base64.
std::optional<std::string> base64_bytes(std::string_view text);

}  // namespace selvedge
