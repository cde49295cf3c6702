// Input check: field by field validation of JSON, in the words of Cloudflare's own validator.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

namespace selvedge::api {

// Every error here is invalid_input. Clients search for these words; cloudflare/cabidela
// (src/index.ts) is the source. Paths look like '/messages/0/content'.

// "Type mismatch of '/text', 'string' not in 'number'": the first is what is wanted, the second
// what was sent.
Error type_mismatch(std::string_view path, std::string_view wanted, const nlohmann::json& sent);
// "required properties at '/' are 'text'"
Error required_missing(std::string_view path, std::string_view names);

// "enum max not in mean,cls at '/pooling'"; of a long `sent` only the beginning.
Error not_in_enum(std::string_view path, std::string_view sent, std::string_view allowed);

// JSON's own name of the value's type; whole numbers are "integer".
std::string_view type_name(const nlohmann::json& value);

// Optional fields of `object`: nullopt when absent or null. `name` has no slash.
Result<std::optional<bool>> optional_bool(const nlohmann::json& object, const char* name);
// "'/temperature' must be <= 5"
Result<std::optional<double>> optional_number(const nlohmann::json& object, const char* name,
                                              double lowest, double highest);
// Whole numbers, also those written as 5.0.
Result<std::optional<std::int64_t>> optional_integer(const nlohmann::json& object, const char* name,
                                                     std::int64_t lowest, std::int64_t highest);

// "Length of '/prompt' must be >= 1 not met", "Length of '/prompt' must be <= 131072 not met";
// lengths are code points.
Status check_length(std::string_view path, std::string_view text, std::size_t least,
                    std::size_t most);

}  // namespace selvedge::api
