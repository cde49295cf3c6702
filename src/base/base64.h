// Base64: bytes to text, standard alphabet with padding (RFC 4648, section 4).
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace selvedge {

// Appends the text of `bytes` to `text`.
void append_base64(std::string& text, std::span<const std::byte> bytes);

}  // namespace selvedge
