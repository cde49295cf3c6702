// Character sets: the text of a file, whatever encoding it came in.
#pragma once

#include <string>
#include <string_view>

namespace selvedge::markdown {

// `bytes` as well-formed UTF-8 without a byte order mark and without U+0000. The encoding is, in
// this order: what a byte order mark says; `declared` (a name as in WHATWG's Encoding Standard);
// UTF-8 where the bytes are; what ICU's detector takes it for; else Windows-1252.
std::string to_utf8(std::string_view bytes, std::string_view declared);

// The encoding that HTML or XML names in its first 4,096 bytes: `charset=` of a meta element, or
// `encoding=` of an XML declaration. Empty: none.
std::string declared_in_markup(std::string_view bytes);

}  // namespace selvedge::markdown
