// Plain filter: random values and filters, and what a filter says of plain values, with nothing of
// the columns or lists. For tests only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vectors/filter.h"
#include "vectors/property_value.h"

namespace selvedge::vectors::plain {

inline bool is_scalar(const PropertyValue& value) {
  return !std::holds_alternative<std::monostate>(value) &&
         !std::holds_alternative<PropertyElements>(value);
}

inline bool contains(const PropertyValue& value, const PropertyValue& operand) {
  const auto* text = std::get_if<std::string>(&value);
  const auto* part = std::get_if<std::string>(&operand);
  if (text != nullptr) return part != nullptr && text->find(*part) != std::string::npos;
  const auto* elements = std::get_if<PropertyElements>(&value);
  if (elements == nullptr) return false;
  return std::any_of(elements->begin(), elements->end(), [&](const PropertyElement& element) {
    return std::visit([](const auto& each) { return PropertyValue(each); }, element) == operand;
  });
}

// `raw` is what stands in the metadata.
inline bool holds(PropertyType type, const Condition& condition, const PropertyValue& raw) {
  const PropertyValue value = as_type(type, raw);
  std::vector<PropertyValue> operands;
  for (const auto& operand : condition.operands) operands.push_back(as_type(type, operand));
  const bool any = std::any_of(operands.begin(), operands.end(), [&](const PropertyValue& operand) {
    return is_scalar(value) && value == operand;
  });
  const bool comparable =
      is_scalar(value) && !operands.empty() && operands[0].index() == value.index();
  switch (condition.comparison) {
    case Comparison::eq:
    case Comparison::in:
      return any;
    case Comparison::ne:
    case Comparison::nin:
      return !any;
    case Comparison::lt:
      return comparable && value < operands[0];
    case Comparison::lte:
      return comparable && value <= operands[0];
    case Comparison::gt:
      return comparable && value > operands[0];
    case Comparison::gte:
      return comparable && value >= operands[0];
    case Comparison::exists:
      return (value.index() != 0) == std::get<bool>(condition.operands[0]);
    case Comparison::contains:
      return contains(value, operands[0]);
  }
  return false;
}

// Nothing: neither true nor false. `value_of` gives the raw value of a property by the place of its
// index.
template <class ValueOf>
std::optional<bool> judge(const Filter& filter, std::span<const MetadataIndex> indexes,
                          const ValueOf& value_of) {
  bool known = true;
  for (const Condition& condition : filter.conditions) {
    const auto index = std::find_if(indexes.begin(), indexes.end(), [&](const auto& each) {
      return each.property == condition.property;
    });
    if (index == indexes.end()) {
      known = false;
      continue;
    }
    const auto at = static_cast<std::size_t>(index - indexes.begin());
    if (!holds(index->type, condition, value_of(at))) return false;
  }
  for (const FilterGroup& group : filter.groups) {
    bool all_known = true;
    bool any_true = false;
    for (const Filter& each : group.filters) {
      const auto judged = judge(each, indexes, value_of);
      all_known = all_known && judged.has_value();
      any_true = any_true || judged.value_or(false);
    }
    if (!any_true && !all_known) {
      known = false;
    } else if (any_true == group.negated) {
      return false;
    }
  }
  return known ? std::optional(true) : std::nullopt;
}

template <class ValueOf>
bool passes(const Filter& filter, std::span<const MetadataIndex> indexes, const ValueOf& value_of) {
  return judge(filter, indexes, value_of).value_or(false);
}

using Random = std::mt19937_64;

inline PropertyElement random_element(Random& random) {
  static const std::vector<std::string> kTexts = {"",
                                                  "a",
                                                  "ab",
                                                  "abcdefgh",
                                                  "abcdefgha",
                                                  "abcdefghb",
                                                  {"a\0", 2},
                                                  "1",
                                                  "1.5",
                                                  "true",
                                                  std::string(64, 'z'),
                                                  std::string(70, 'z'),
                                                  "\xC3\xA9",
                                                  "b",
                                                  "bcde",
                                                  "-0.5",
                                                  "false",
                                                  "cdefghi"};
  switch (random() % 8) {
    case 0:
      return random() % 2 == 0;
    case 1:
    case 2:
    case 3:
      return static_cast<double>(static_cast<int>(random() % 9) - 4) / 2;
    default:
      return kTexts[random() % kTexts.size()];
  }
}

inline PropertyValue random_scalar(Random& random) {
  return std::visit([](const auto& each) { return PropertyValue(each); }, random_element(random));
}

inline PropertyValue random_value(Random& random) {
  const auto kind = random() % 8;
  if (kind == 0) return std::monostate();
  if (kind != 1) return random_scalar(random);
  PropertyElements elements;
  for (std::size_t left = 1 + random() % 3; left > 0; --left) {
    elements.push_back(random_element(random));
  }
  return elements;
}

// On one of `properties`, which may hold names without an index.
inline Condition random_condition(Random& random, std::span<const std::string> properties) {
  Condition condition{
      properties[random() % properties.size()], static_cast<Comparison>(random() % 10), {}};
  if (condition.comparison == Comparison::exists) {
    condition.operands.emplace_back(random() % 2 == 0);
    return condition;
  }
  const bool many =
      condition.comparison == Comparison::in || condition.comparison == Comparison::nin;
  for (std::size_t left = many ? random() % 5 : 1; left > 0; --left) {
    condition.operands.push_back(random() % 16 == 0 ? PropertyValue() : random_scalar(random));
  }
  return condition;
}

// Mostly one to three conditions; groups inside each other up to `depth`.
inline Filter random_filter(Random& random, std::span<const std::string> properties,
                            std::size_t depth) {
  Filter filter;
  for (std::size_t left = random() % (depth == 0 ? 2 : 3); left > 0; --left) {
    filter.conditions.push_back(random_condition(random, properties));
  }
  if (depth == 0) return filter;
  for (std::size_t left = random() % 3 / 2 + random() % 2; left > 0; --left) {
    FilterGroup group{random() % 3 == 0, {}};
    for (std::size_t inner = random() % 4; inner > 0; --inner) {
      group.filters.push_back(random_filter(random, properties, depth - 1));
    }
    filter.groups.push_back(std::move(group));
  }
  return filter;
}

}  // namespace selvedge::vectors::plain
