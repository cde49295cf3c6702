// Vectorize filter: each property's condition is checked on its own, each group filter by filter.
#include "api/vectorize_filter.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

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
    {"$eq", Comparison::eq},         {"$ne", Comparison::ne},
    {"$in", Comparison::in},         {"$nin", Comparison::nin},
    {"$lt", Comparison::lt},         {"$lte", Comparison::lte},
    {"$gt", Comparison::gt},         {"$gte", Comparison::gte},
    {"$exists", Comparison::exists}, {"$contains", Comparison::contains},
};

bool is_hosted(const Operator& op) {
  return op.comparison != Comparison::exists && op.comparison != Comparison::contains;
}

// What people try who know other databases, and what there is instead.
struct Foreign {
  std::string_view name;
  std::string_view instead;
};
constexpr Foreign kHostedForeign[] = {
    {"$and", "all properties of a filter must hold anyway"},
    {"$or", "several values of one property go with $in"},
    {"$nor", "several values of one property go with $nin"},
    {"$not", "use $ne or $nin"},
    {"$exists", "store a value that says so, and use $eq"},
    {"$contains", "store one property for each value, and use $eq"},
    {"$regex", "a prefix goes with $gte and $lt"},
};
constexpr Foreign kForeign[] = {
    {"$nor", "use $or inside $not"},
    {"$all", "use $and, with one $contains for each value"},
    {"$regex", "a part goes with $contains, a prefix with $gte and $lt"},
    {"$and", "it holds filters, and stands beside their properties"},
    {"$or", "it holds filters, and stands beside their properties"},
    {"$not", "inside a property it holds an object of operators"},
    {"$exists", "it stands inside a property: {\"property\": {\"$exists\": true}}"},
    {"$contains", "it stands inside a property: {\"property\": {\"$contains\": \"part\"}}"},
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

std::string hint(std::span<const Foreign> foreign, std::string_view name) {
  const auto known = std::find_if(foreign.begin(), foreign.end(),
                                  [&](const Foreign& each) { return each.name == name; });
  return known == foreign.end() ? "" : " (" + std::string(known->instead) + ")";
}

Error unknown_operator(std::string_view name, FilterGrammar grammar) {
  const bool hosted = grammar == FilterGrammar::hosted;
  const std::string there = hosted ? "$eq, $ne, $in, $nin, $lt, $lte, $gt and $gte"
                                   : "$eq, $ne, $in, $nin, $lt, $lte, $gt, $gte, $exists, "
                                     "$contains and $not, and beside properties $and, $or and $not";
  return unparsable_body("filter: no operator " + shown(name) + (hosted ? "" : " here") +
                         "; there are " + there +
                         (hosted ? hint(kHostedForeign, name) : hint(kForeign, name)));
}

Status check_property(std::string_view property, FilterGrammar grammar) {
  if (property.empty()) return unparsable_body("filter: a property's name must not be empty");
  if (property.front() == '$') return unknown_operator(property, grammar);
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
  std::string_view takes = " takes a string, number, boolean or null";
  bool right = operand.is_primitive();
  if (op.comparison == Comparison::exists) {
    takes = " takes true or false";
    right = operand.is_boolean();
  } else if (op.comparison == Comparison::contains || side_of(op.comparison) != Side::none) {
    takes = " takes a string or a number";
    right = operand.is_string() || operand.is_number();
  }
  auto value = right ? scalar(operand) : std::nullopt;
  if (!value) return refused(property, std::string(op.name) + std::string(takes));
  return vectors::Condition{std::string(property), op.comparison, {*std::move(value)}};
}

// Walks down one filter; `depth_` is how many filters and objects of operators it is in.
class Parser {
 public:
  explicit Parser(FilterGrammar grammar) : grammar_(grammar) {}

  // Adds what `filter` says to `into`.
  Status filter(const json& filter, vectors::Filter& into) {
    if (!filter.is_object()) return unparsable_body("filter: expected an object");
    SEL_CHECK_OK(enter());
    for (const auto& [name, value] : filter.items()) {
      if (grammar_ == FilterGrammar::ours && is_group(name)) {
        SEL_CHECK_OK(group(name, value, into));
        continue;
      }
      SEL_CHECK_OK(check_property(name, grammar_));
      SEL_CHECK_OK(property(name, value, into));
    }
    --depth_;
    return ok_status();
  }

 private:
  static bool is_group(std::string_view name) {
    return name == "$and" || name == "$or" || name == "$not";
  }

  Status enter() {
    if (++depth_ <= limits::filter_depth_max) return ok_status();
    return unparsable_body("filter: at most " + std::to_string(limits::filter_depth_max) +
                           " filters may stand inside each other");
  }

  Status group(const std::string& name, const json& value, vectors::Filter& into) {
    const std::string takes = "filter: " + name + " takes ";
    if (name == "$not") {
      if (!value.is_object()) return unparsable_body(takes + "a filter");
      vectors::FilterGroup made{true, {{}}};
      SEL_CHECK_OK(filter(value, made.filters.front()));
      into.groups.push_back(std::move(made));
      return ok_status();
    }
    const bool filters =
        value.is_array() && !value.empty() &&
        std::all_of(value.begin(), value.end(), [](const json& each) { return each.is_object(); });
    if (!filters) return unparsable_body(takes + "an array of one filter or more");
    vectors::FilterGroup made;
    for (const json& each : value) {
      // All of a filter must hold anyway: those of $and are part of it.
      if (name == "$or") made.filters.emplace_back();
      SEL_CHECK_OK(filter(each, name == "$or" ? made.filters.back() : into));
    }
    if (name == "$or") into.groups.push_back(std::move(made));
    return ok_status();
  }

  Status property(const std::string& name, const json& value, vectors::Filter& into) {
    if (value.is_object()) return operators(name, value, into);
    auto operand = scalar(value);
    if (!operand) return refused(name, "an array is no condition; any of several values is $in");
    into.conditions.push_back({name, Comparison::eq, {*std::move(operand)}});
    return ok_status();
  }

  Status operators(std::string_view property, const json& operators, vectors::Filter& into) {
    if (operators.empty()) return refused(property, "the object holds no operator");
    if (grammar_ == FilterGrammar::hosted && operators.size() > 2) return too_many(property);
    std::vector<Side> sides;
    for (const auto& [name, operand] : operators.items()) {
      if (grammar_ == FilterGrammar::ours && name == "$not") {
        SEL_CHECK_OK(negation(property, operand, into));
        continue;
      }
      const auto op = std::find_if(std::begin(kOperators), std::end(kOperators),
                                   [&](const Operator& each) { return each.name == name; });
      const bool known = op != std::end(kOperators);
      if (!known || (grammar_ == FilterGrammar::hosted && !is_hosted(*op))) {
        return no_operator(property, name);
      }
      SEL_TRY(condition, parse_operand(property, *op, operand));
      into.conditions.push_back(std::move(condition));
      if (is_hosted(*op)) sides.push_back(side_of(op->comparison));
    }
    if (sides.size() > 2) return too_many(property);
    const bool range = sides.size() == 2 && sides[0] != Side::none && sides[1] != Side::none &&
                       sides[0] != sides[1];
    if (sides.size() == 2 && !range) {
      return refused(property, "only a lower and an upper bound go together");
    }
    return ok_status();
  }

  Status negation(std::string_view property, const json& negated, vectors::Filter& into) {
    if (!negated.is_object()) return refused(property, "$not takes an object of operators");
    SEL_CHECK_OK(enter());
    vectors::FilterGroup made{true, {{}}};
    SEL_CHECK_OK(operators(property, negated, made.filters.front()));
    into.groups.push_back(std::move(made));
    --depth_;
    return ok_status();
  }

  Error no_operator(std::string_view property, const std::string& name) const {
    if (!name.empty() && name.front() == '$') return unknown_operator(name, grammar_);
    return refused(
        property,
        "expected an operator such as $eq; a property of a nested object is named with a "
        "dot");
  }

  static Error too_many(std::string_view property) {
    return refused(property, "at most two operators go together");
  }

  FilterGrammar grammar_;
  std::size_t depth_ = 0;
};

}  // namespace

Result<vectors::Filter> parse_filter(const json& filter, FilterGrammar grammar) {
  if (!filter.is_object()) return unparsable_body("filter: expected an object");
  // The parsed body holds no ill-formed text; `replace` only promises that nothing is thrown.
  const std::string compact = filter.dump(-1, ' ', false, json::error_handler_t::replace);
  if (compact.size() >= limits::filter_bytes_max) {
    return unparsable_body("filter: its compact JSON must have less than " +
                           std::to_string(limits::filter_bytes_max) + " bytes, got " +
                           std::to_string(compact.size()));
  }
  vectors::Filter parsed;
  SEL_CHECK_OK(Parser(grammar).filter(filter, parsed));
  return parsed;
}

}  // namespace selvedge::api
