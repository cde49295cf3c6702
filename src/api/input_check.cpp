// Input check: types, ranges and lengths in cabidela's messages.
#include "api/input_check.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

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

// All type names that the validator finds in a value.
std::string type_set(const json& value) {
  std::string names = "'";
  names += value.is_number() ? "number" : type_name(value);
  names += '\'';
  const auto plain = [](const json& item) { return item.is_number() || item.is_string(); };
  if (value.is_number() && value.get<double>() == std::floor(value.get<double>())) {
    names += ",'integer'";
  } else if (value.is_array() && std::ranges::all_of(value, plain)) {
    names += ",'binary'";
  }
  return names;
}

}  // namespace

Error out_of_range(std::string_view path, std::string_view relation, double bound) {
  std::string message = "'";
  message += path;
  message += "' must be ";
  message += relation;
  message += ' ';
  message += number_text(bound);
  return Error{Code::invalid_input, std::move(message)};
}

std::size_t code_points(std::string_view text) {
  std::size_t count = 0;
  for (const char byte : text) count += (static_cast<unsigned char>(byte) & 0xc0) != 0x80;
  return count;
}

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
  message += "' not in ";
  message += type_set(sent);
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

Status check_count(std::string_view path, std::size_t count, std::size_t least, std::size_t most) {
  if (count >= least && count <= most) return ok_status();
  std::string message = "Length of '";
  message += path;
  message += count < least ? "' must be >= " : "' must be <= ";
  message += std::to_string(count < least ? least : most);
  if (count < least) message += " not met";
  return Error{Code::invalid_input, std::move(message)};
}

Status check_length(std::string_view path, std::string_view text, std::size_t least,
                    std::size_t most) {
  return check_count(path, code_points(text), least, most);
}

}  // namespace selvedge::api
