// Input check: the words of Cloudflare's own validator, for whoever refuses an input.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

namespace selvedge::api {

// Every error here is invalid_input. Clients search for these words; cloudflare/cabidela
// (src/index.ts) is the source. Paths look like '/messages/0/content'.

// "Type mismatch of '/text', 'string' not in 'number','integer'": the first is what is wanted, the
// others are all the types that what was sent has: whole numbers two, and lists of texts or numbers
// are "binary" too.
Error type_mismatch(std::string_view path, std::string_view wanted, const nlohmann::json& sent);
// "required properties at '/' are 'text'"
Error required_missing(std::string_view path, std::string_view names);

// "enum max not in mean,cls at '/pooling'"; of a long `sent` only the beginning.
Error not_in_enum(std::string_view path, std::string_view sent, std::string_view allowed);

// "'/temperature' must be <= 5"
Error out_of_range(std::string_view path, std::string_view relation, double bound);

std::size_t code_points(std::string_view text);

// JSON's own name of the value's type; whole numbers are "integer".
std::string_view type_name(const nlohmann::json& value);

// "Length of '/prompt' must be >= 1 not met", "Length of '/prompt' must be <= 131072".
Status check_count(std::string_view path, std::size_t count, std::size_t least, std::size_t most);
// The same for a text's code points.
Status check_length(std::string_view path, std::string_view text, std::size_t least,
                    std::size_t most);

}  // namespace selvedge::api
