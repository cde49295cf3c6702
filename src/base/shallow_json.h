// Shallow JSON: an object from outside that may not be nested deeply.
#pragma once

#include <optional>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace selvedge {

// Null: no JSON, not an object, or one with values below `depth_max`: parsing ends there, whatever
// follows, so that brackets without end cost no stack.
std::optional<nlohmann::json> parse_shallow_object(std::string_view text, int depth_max);

}  // namespace selvedge
