// JSON reader: nlohmann's parser behind a depth check.
#include "api/json_reader.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "api/input_check.h"
#include "base/json_depth.h"
#include "base/limits.h"

namespace selvedge::api {

Result<nlohmann::json> parse_json(std::string_view text) {
  if (!within_depth(text)) {
    return Error{Code::invalid_json, "the JSON body is nested too deeply, the limit is " +
                                         std::to_string(limits::json_depth_max)};
  }
  // The parser takes a NUL for the end of the text, and whatever follows it for nothing.
  if (text.find('\0') != std::string_view::npos) {
    return Error{Code::invalid_json, "the body is not valid JSON: it holds a NUL byte"};
  }
  auto value = nlohmann::json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return Error{Code::invalid_json, "the body is not valid JSON"};
  return value;
}

const nlohmann::json* present(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string text_in(const nlohmann::json& object, const char* name) {
  const nlohmann::json* value = present(object, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

Result<nlohmann::json> parse_object(std::string_view text) {
  const bool blank = std::all_of(text.begin(), text.end(), [](char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
  });
  if (blank) return Error{Code::missing_body, "Request is missing headers or body: body"};
  SEL_TRY(value, parse_json(text));
  if (!value.is_object()) return type_mismatch("/", "object", value);
  return value;
}

}  // namespace selvedge::api
