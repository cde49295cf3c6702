// JSON reader: request bodies into values, bounded in depth, never an exception.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

namespace selvedge::api {

// The value of `text`. Of a key that stands twice the last one counts, as in JavaScript.
// Errors: invalid_json (not JSON, ill-formed UTF-8, a number beyond double, too deep).
Result<nlohmann::json> parse_json(std::string_view text);

// The member `name` of an object; null when it is absent or JSON's null, which several SDKs send
// for every option they know.
const nlohmann::json* present(const nlohmann::json& object, const char* name);

// The text that is such a member; empty when it is absent or no text.
std::string text_in(const nlohmann::json& object, const char* name);

// As parse_json, for bodies that must be an object. Errors: missing_body (empty), invalid_json,
// invalid_input (another type; the message is in the validator's words).
Result<nlohmann::json> parse_object(std::string_view text);

}  // namespace selvedge::api
