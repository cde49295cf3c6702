// Vectorize filter: each property's condition is checked on its own.
#include "api/vectorize_filter.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/vectorize_errors.h"
#include "base/limits.h"
#include "base/utf8.h"

namespace selvedge::api {
namespace {

using nlohmann::json;
using vectors::Comparison;

struct Operator {
  std::string_view name;
  Comparison comparison;
};
constexpr Operator kOperators[] = {
    {"$eq", Comparison::eq},   {"$ne", Comparison::ne},   {"$in", Comparison::in},
    {"$nin", Comparison::nin}, {"$lt", Comparison::lt},   {"$lte", Comparison::lte},
    {"$gt", Comparison::gt},   {"$gte", Comparison::gte},
};

// What people try who know other databases, and what Vectorize has instead.
struct Foreign {
  std::string_view name;
  std::string_view instead;
};
constexpr Foreign kForeign[] = {
    {"$and", "all properties of a filter must hold anyway"},
    {"$or", "several values of one property go with $in"},
    {"$nor", "several values of one property go with $nin"},
    {"$not", "use $ne or $nin"},
    {"$exists", "store a value that says so, and use $eq"},
    {"$contains", "store one property for each value, and use $eq"},
    {"$regex", "a prefix goes with $gte and $lt"},
};

enum class Side { none, lower, upper };

Side side_of(Comparison comparison) {
  if (comparison == Comparison::gt || comparison == Comparison::gte) return Side::lower;
  if (comparison == Comparison::lt || comparison == Comparison::lte) return Side::upper;
  return Side::none;
}

std::string shown(std::string_view property) {
  constexpr std::size_t kShownBytes = 128;
  return "\"" + std::string(property.substr(0, utf8::floor_boundary(property, kShownBytes))) + "\"";
}

Error refused(std::string_view property, std::string_view reason) {
  return unparsable_body("filter: property " + shown(property) + ": " + std::string(reason));
}

Error unknown_operator(std::string_view name) {
  std::string reason = "filter: no operator " + shown(name) + "; there are $eq, $ne, $in, $nin, " +
                       "$lt, $lte, $gt and $gte";
  const auto known = std::find_if(std::begin(kForeign), std::end(kForeign),
                                  [&](const Foreign& each) { return each.name == name; });
  if (known != std::end(kForeign)) reason += " (" + std::string(known->instead) + ")";
  return unparsable_body(reason);
}

Status check_property(std::string_view property) {
  if (property.empty()) return unparsable_body("filter: a property's name must not be empty");
  if (property.front() == '$') return unknown_operator(property);
  if (property.find('"') != std::string_view::npos) {
    return unparsable_body("filter: a property's name must not hold '\"'");
  }
  const auto characters = std::count_if(property.begin(), property.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  });
  if (static_cast<std::size_t>(characters) > limits::property_bytes_max) {
    return unparsable_body("filter: a property's name must have at most " +
                           std::to_string(limits::property_bytes_max) + " characters");
  }
  return ok_status();
}

std::optional<vectors::PropertyValue> scalar(const json& value) {
  if (value.is_null()) return vectors::PropertyValue();
  if (value.is_boolean()) return vectors::PropertyValue(value.get<bool>());
  if (value.is_number()) return vectors::PropertyValue(value.get<double>());
  if (value.is_string()) return vectors::PropertyValue(value.get<std::string>());
  return std::nullopt;
}

Result<vectors::Condition> parse_list(std::string_view property, const Operator& op,
                                      const json& operand) {
  vectors::Condition condition{std::string(property), op.comparison, {}};
  const std::string reason =
      std::string(op.name) + " takes an array of strings, numbers, booleans and nulls";
  if (!operand.is_array()) return refused(property, reason);
  for (const json& each : operand) {
    auto value = scalar(each);
    if (!value) return refused(property, reason);
    condition.operands.push_back(*std::move(value));
  }
  return condition;
}

Result<vectors::Condition> parse_operand(std::string_view property, const Operator& op,
                                         const json& operand) {
  if (op.comparison == Comparison::in || op.comparison == Comparison::nin) {
    return parse_list(property, op, operand);
  }
  auto value = scalar(operand);
  const bool order = side_of(op.comparison) != Side::none;
  if (order && !operand.is_string() && !operand.is_number()) value.reset();
  if (!value) {
    return refused(property, std::string(op.name) + (order ? " takes a string or a number"
                                                           : " takes a string, number, boolean "
                                                             "or null"));
  }
  return vectors::Condition{std::string(property), op.comparison, {*std::move(value)}};
}

Status parse_operators(std::string_view property, const json& operators, vectors::Filter& filter) {
  if (operators.empty()) return refused(property, "the object holds no operator");
  if (operators.size() > 2) return refused(property, "at most two operators go together");
  Side sides[2] = {Side::none, Side::none};
  std::size_t count = 0;
  for (const auto& [name, operand] : operators.items()) {
    const auto op = std::find_if(std::begin(kOperators), std::end(kOperators),
                                 [&](const Operator& each) { return each.name == name; });
    if (op == std::end(kOperators)) {
      if (name.empty() || name.front() != '$') {
        return refused(property,
                       "expected an operator such as $eq; a property of a nested object is named "
                       "with a dot");
      }
      return unknown_operator(name);
    }
    SEL_TRY(condition, parse_operand(property, *op, operand));
    sides[count++] = side_of(op->comparison);
    filter.conditions.push_back(std::move(condition));
  }
  const bool range = sides[0] != Side::none && sides[1] != Side::none && sides[0] != sides[1];
  if (count == 2 && !range) {
    return refused(property, "only a lower and an upper bound go together");
  }
  return ok_status();
}

}  // namespace

Result<vectors::Filter> parse_filter(const json& filter) {
  if (!filter.is_object()) return unparsable_body("filter: expected an object");
  // The parsed body holds no ill-formed text; `replace` only promises that nothing is thrown.
  const std::string compact = filter.dump(-1, ' ', false, json::error_handler_t::replace);
  if (compact.size() >= limits::filter_bytes_max) {
    return unparsable_body("filter: its compact JSON must have less than " +
                           std::to_string(limits::filter_bytes_max) + " bytes, got " +
                           std::to_string(compact.size()));
  }
  vectors::Filter parsed;
  for (const auto& [property, condition] : filter.items()) {
    SEL_CHECK_OK(check_property(property));
    if (condition.is_object()) {
      SEL_CHECK_OK(parse_operators(property, condition, parsed));
      continue;
    }
    auto value = scalar(condition);
    if (!value) return refused(property, "an array is no condition; any of several values is $in");
    parsed.conditions.push_back({property, Comparison::eq, {*std::move(value)}});
  }
  return parsed;
}

}  // namespace selvedge::api
