// Text of HTTP heads: ASCII case, blanks, percent-encoding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace selvedge::http {

// ASCII only; other bytes compare as they are.
bool equal_caseless(std::string_view left, std::string_view right);
std::string lower_case(std::string_view text);

// Without blanks and tabs at both ends.
std::string_view trimmed(std::string_view text);

// True for the characters of a header name or a method (RFC 9110, 5.6.2 "token").
bool is_token_char(char c);

// Undoes percent-encoding; with `plus_is_blank` also the '+' of HTML forms. nullopt when a '%' is
// not followed by two hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_blank);

}  // namespace selvedge::http
