// Input check: types, ranges and lengths with cabidela's messages.
#include "api/input_check.h"

#include <charconv>
#include <cmath>

#include <nlohmann/json.hpp>

#include "base/utf8.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

std::string number_text(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  return std::string(text, end.ptr);
}

Error out_of_range(std::string_view path, std::string_view relation, double bound) {
  std::string message = "'";
  message += path;
  message += "' must be ";
  message += relation;
  message += ' ';
  message += number_text(bound);
  return Error{Code::invalid_input, std::move(message)};
}

// Null counts as absent: several SDKs send every option they know.
const json* present(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::size_t code_points(std::string_view text) {
  std::size_t count = 0;
  for (const char byte : text) count += (static_cast<unsigned char>(byte) & 0xc0) != 0x80;
  return count;
}

}  // namespace

std::string_view type_name(const json& value) {
  switch (value.type()) {
    case json::value_t::object:
      return "object";
    case json::value_t::array:
      return "array";
    case json::value_t::string:
      return "string";
    case json::value_t::boolean:
      return "boolean";
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
      return "integer";
    case json::value_t::number_float:
      return "number";
    default:
      return "null";
  }
}

Error type_mismatch(std::string_view path, std::string_view wanted, const json& sent) {
  std::string message = "Type mismatch of '";
  message += path;
  message += "', '";
  message += wanted;
  message += "' not in '";
  message += type_name(sent);
  message += '\'';
  return Error{Code::invalid_input, std::move(message)};
}

Error required_missing(std::string_view path, std::string_view names) {
  std::string message = "required properties at '";
  message += path;
  message += "' are '";
  message += names;
  message += '\'';
  return Error{Code::invalid_input, std::move(message)};
}

Error not_in_enum(std::string_view path, std::string_view sent, std::string_view allowed) {
  constexpr std::size_t kShownBytes = 32;
  std::string message = "enum ";
  message += sent.substr(0, utf8::floor_boundary(sent, kShownBytes));
  message += " not in ";
  message += allowed;
  message += " at '";
  message += path;
  message += '\'';
  return Error{Code::invalid_input, std::move(message)};
}

Result<std::optional<bool>> optional_bool(const json& object, const char* name) {
  const json* value = present(object, name);
  if (value == nullptr) return std::optional<bool>();
  if (value->is_boolean()) return std::optional<bool>(value->get<bool>());
  // Cloudflare's own LoRA sample sends "raw":"true".
  if (value->is_string()) {
    const auto& text = value->get_ref<const std::string&>();
    if (text == "true" || text == "false") return std::optional<bool>(text == "true");
  }
  return type_mismatch(std::string("/") + name, "boolean", *value);
}

Result<std::optional<double>> optional_number(const json& object, const char* name, double lowest,
                                              double highest) {
  const json* value = present(object, name);
  if (value == nullptr) return std::optional<double>();
  const std::string path = std::string("/") + name;
  if (!value->is_number()) return type_mismatch(path, "number", *value);
  const double number = value->get<double>();
  if (number < lowest) return out_of_range(path, ">=", lowest);
  if (number > highest) return out_of_range(path, "<=", highest);
  return std::optional<double>(number);
}

Result<std::optional<std::int64_t>> optional_integer(const json& object, const char* name,
                                                     std::int64_t lowest, std::int64_t highest) {
  const json* value = present(object, name);
  if (value == nullptr) return std::optional<std::int64_t>();
  const std::string path = std::string("/") + name;
  if (!value->is_number()) return type_mismatch(path, "integer", *value);
  // Through double: every bound here is far below 2^53, and it holds whatever the client sent.
  const double number = value->get<double>();
  if (number != std::floor(number)) return type_mismatch(path, "integer", *value);
  if (number < static_cast<double>(lowest)) {
    return out_of_range(path, ">=", static_cast<double>(lowest));
  }
  if (number > static_cast<double>(highest)) {
    return out_of_range(path, "<=", static_cast<double>(highest));
  }
  return std::optional<std::int64_t>(static_cast<std::int64_t>(number));
}

Status check_length(std::string_view path, std::string_view text, std::size_t least,
                    std::size_t most) {
  const std::size_t count = code_points(text);
  if (count >= least && count <= most) return ok_status();
  std::string message = "Length of '";
  message += path;
  message += count < least ? "' must be >= " : "' must be <= ";
  message += std::to_string(count < least ? least : most);
  message += " not met";
  return Error{Code::invalid_input, std::move(message)};
}

}  // namespace selvedge::api
