// UTF-8: validity, whole characters, code points.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace selvedge::utf8 {

// True when `text` is well-formed UTF-8 (no overlong forms, no surrogates).
bool valid(std::string_view text);

// Bytes at the end of `text` that begin a character whose rest is missing (0 to 3): hold them back
// in a stream.
std::size_t incomplete_tail_bytes(std::string_view text);

// `text` with each ill-formed sequence replaced by U+FFFD.
std::string repaired(std::string_view text);

// The code points of well-formed `text`; ill-formed bytes come out as U+FFFD.
std::u32string decode(std::string_view text);

// Appends `code_point` in UTF-8.
void append(std::string& text, char32_t code_point);

// The largest length <= `bytes_max` that does not cut a character of `text`.
std::size_t floor_boundary(std::string_view text, std::size_t bytes_max);

}  // namespace selvedge::utf8
