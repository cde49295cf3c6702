// Query body: the JSON of a vector query; its list of numbers, which is most of it, is read apart.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace selvedge::api {

struct QueryBody {
  // What the text says, but for "vector" where that is a list of numbers that float32 can hold.
  nlohmann::json fields;
  std::optional<std::vector<float>> vector;  // That list.
};

// Errors: those of parse_json.
Result<QueryBody> parse_query_body(std::string_view text);

}  // namespace selvedge::api
