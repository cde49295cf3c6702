// Schema patterns: the regular expressions of JSON Schemas (ECMA 262), made fit for a grammar.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace selvedge::engines {

struct TextPattern {
  std::string text;
  std::size_t ways = 1;  // Of reading that it has open at once, about at most.
};

// A grammar reads the text of JSON, in which a quote is written \", and llama.cpp's conversion
// knows a part of the language, anchored at both ends: `\d` is nothing to it. What comes back
// matches the JSON texts of strings that `pattern` matches, of those with quotes, backslashes and
// control characters only such as it names one by one. Empty: it looks around, refers back, asks
// for properties of characters, repeats what may be empty, or so much in so many ways that a
// grammar takes long to follow it, or is no expression.
std::optional<TextPattern> json_text_pattern(std::string_view pattern);

}  // namespace selvedge::engines
