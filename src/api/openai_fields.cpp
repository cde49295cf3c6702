// OpenAI fields: types and ranges with OpenAI's messages.
#include "api/openai_fields.h"

#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/json_reader.h"
#include "api/picture_input.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

std::string in_quotes(std::string_view param) { return "'" + std::string(param) + "'"; }

// "Invalid 'n': integer above maximum value. Expected a value <= 8, but got 9 instead."
std::string out_of_range(const char* name, std::string_view kind, bool above, const json& bound,
                         const json& sent) {
  std::string message = "Invalid " + in_quotes(name) + ": ";
  message += kind;
  message += above ? " above maximum value. Expected a value <= "
                   : " below minimum value. Expected a value >= ";
  return message + bound.dump() + ", but got " + sent.dump() + " instead.";
}

// Whole bounds as whole numbers: "<= 2".
json bound_of(double bound) {
  if (bound == std::floor(bound)) return static_cast<std::int64_t>(bound);
  return bound;
}

}  // namespace

std::string_view openai_type_name(const json& value) {
  switch (value.type()) {
    case json::value_t::object:
      return "an object";
    case json::value_t::array:
      return "an array";
    case json::value_t::string:
      return "a string";
    case json::value_t::boolean:
      return "a boolean";
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
      return "an integer";
    case json::value_t::number_float:
      return "a decimal";
    default:
      return "null";
  }
}

void fail_picture(OpenAiFields& fields, const std::string& param, const Error& why) {
  fields.fail(param, "Invalid '" + param + "': " + why.message, "invalid_value");
}

void check_pictures(OpenAiFields& fields, const std::string& param,
                    const std::vector<wire::ChatMessage>& messages) {
  const Status good = check_pictures(messages);
  if (!good.ok()) fail_picture(fields, param, good.error());
}

std::string item_path(std::string_view list, std::size_t at) {
  return std::string(list) + "[" + std::to_string(at) + "]";
}

const json* OpenAiFields::find(const char* name) const {
  if (fault_) return nullptr;
  return present(body_, name);
}

void OpenAiFields::fail(std::string param, std::string message, std::string_view code) {
  if (fault_) return;
  fault_ = OpenAiFault{Error{Code::invalid_input, std::move(message)}, std::move(param),
                       std::string(code)};
}

void OpenAiFields::fail_type(std::string param, std::string_view wanted, const json& sent) {
  std::string message = "Invalid type for " + in_quotes(param) + ": expected ";
  message += wanted;
  message += ", but got ";
  message += openai_type_name(sent);
  message += " instead.";
  fail(std::move(param), std::move(message), "invalid_type");
}

void OpenAiFields::fail_missing(std::string param) {
  std::string message = "Missing required parameter: " + in_quotes(param) + ".";
  fail(std::move(param), std::move(message), "missing_required_parameter");
}

void OpenAiFields::fail_unsupported(const std::string& param) {
  fail(param, "Unsupported parameter: " + in_quotes(param) + " is not supported with this model.",
       "unsupported_parameter");
}

std::optional<bool> OpenAiFields::boolean(const char* name) {
  const json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>();
  fail_type(name, "a boolean", *value);
  return std::nullopt;
}

std::optional<double> OpenAiFields::number(const char* name, double lowest, double highest) {
  const json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) {
    fail_type(name, "a decimal", *value);
    return std::nullopt;
  }
  const double number = value->get<double>();
  if (number >= lowest && number <= highest) return number;
  const bool above = number > highest;
  fail(name, out_of_range(name, "decimal", above, bound_of(above ? highest : lowest), *value),
       above ? "decimal_above_max_value" : "decimal_below_min_value");
  return std::nullopt;
}

std::optional<std::int64_t> OpenAiFields::integer(const char* name, std::int64_t lowest,
                                                  std::int64_t highest) {
  const json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number() ||
      (value->is_number_float() && value->get<double>() != std::floor(value->get<double>()))) {
    fail_type(name, "an integer", *value);
    return std::nullopt;
  }
  // Compared as a double first: what no int64 holds must not be converted to one.
  const double number = value->get<double>();
  const bool above = number > static_cast<double>(highest);
  if (above || number < static_cast<double>(lowest)) {
    fail(name, out_of_range(name, "integer", above, above ? highest : lowest, *value),
         above ? "integer_above_max_value" : "integer_below_min_value");
    return std::nullopt;
  }
  if (value->is_number_integer()) return value->get<std::int64_t>();
  constexpr double kBeyondInt64 = 0x1p63;  // As a double, the largest int64 is this too.
  return number < kBeyondInt64 ? static_cast<std::int64_t>(number) : highest;
}

std::optional<std::string> OpenAiFields::text(const char* name) {
  const json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  fail_type(name, "a string", *value);
  return std::nullopt;
}

}  // namespace selvedge::api
