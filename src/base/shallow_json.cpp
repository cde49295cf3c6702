// Shallow JSON: the parser is told to stop.
#include "base/shallow_json.h"

#include <nlohmann/json.hpp>

namespace selvedge {

std::optional<nlohmann::json> parse_shallow_object(std::string_view text, int depth_max) {
  using nlohmann::json;
  bool deep = false;
  const auto watch = [&deep, depth_max](int depth, json::parse_event_t, json&) {
    deep = deep || depth > depth_max;
    return !deep;
  };
  json parsed = json::parse(text, watch, false);
  if (deep || !parsed.is_object()) return std::nullopt;
  return parsed;
}

}  // namespace selvedge
