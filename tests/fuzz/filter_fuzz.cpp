// Fuzzes metadata filters: both grammars and the compiled tests must agree with plain readings of
// the same JSON.
//
// The first line of the input is the filter, each further one the metadata of a vector.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "api/json_reader.h"
#include "api/metadata_properties.h"
#include "api/vectorize_filter.h"
#include "base/check.h"
#include "base/limits.h"
#include "vectors/compiled_filter.h"
#include "vectors/properties.h"
#include "vectors/property_value.h"

namespace {

using nlohmann::json;
using selvedge::vectors::PropertyType;
using selvedge::vectors::PropertyValue;
namespace limits = selvedge::limits;
namespace vectors = selvedge::vectors;

constexpr std::size_t kRowsMax = 16;
constexpr std::size_t kDepthMax = 16;  // Far below what either reader takes.

const std::vector<vectors::MetadataIndex>& indexes() {
  static const std::vector<vectors::MetadataIndex> kIndexes = {{"s", PropertyType::string},
                                                               {"n", PropertyType::number},
                                                               {"b", PropertyType::boolean},
                                                               {"a.s", PropertyType::string},
                                                               {"a.n", PropertyType::number}};
  return kIndexes;
}

bool is_order(std::string_view name) {
  return name == "$lt" || name == "$lte" || name == "$gt" || name == "$gte";
}
bool is_lower(std::string_view name) { return name == "$gt" || name == "$gte"; }

bool is_ours(std::string_view name) { return name == "$exists" || name == "$contains"; }

bool takes(std::string_view name, const json& operand) {
  if (name == "$eq" || name == "$ne") return operand.is_primitive();
  if (name == "$exists") return operand.is_boolean();
  if (name == "$in" || name == "$nin") {
    return operand.is_array() && std::all_of(operand.begin(), operand.end(),
                                             [](const json& each) { return each.is_primitive(); });
  }
  return (is_order(name) || name == "$contains") && (operand.is_string() || operand.is_number());
}

// The grammars, said once more. `level`: of the filter or the object of operators itself.

bool operators_grammatical(const json& operators, bool hosted, std::size_t level) {
  if (!operators.is_object() || operators.empty() || level > limits::filter_depth_max) return false;
  std::vector<std::string> names;  // Of the hosted operators.
  for (const auto& [name, operand] : operators.items()) {
    if (!hosted && name == "$not") {
      if (!operators_grammatical(operand, hosted, level + 1)) return false;
      continue;
    }
    if (!takes(name, operand) || (hosted && is_ours(name))) return false;
    if (!is_ours(name)) names.push_back(name);
  }
  if (names.size() < 2) return true;
  return names.size() == 2 && is_order(names[0]) && is_order(names[1]) &&
         is_lower(names[0]) != is_lower(names[1]);
}

bool filter_grammatical(const json& filter, bool hosted, std::size_t level) {
  if (!filter.is_object() || level > limits::filter_depth_max) return false;
  for (const auto& [property, condition] : filter.items()) {
    if (!hosted && property == "$not") {
      if (!filter_grammatical(condition, hosted, level + 1)) return false;
      continue;
    }
    if (!hosted && (property == "$and" || property == "$or")) {
      const bool filters = condition.is_array() && !condition.empty() &&
                           std::all_of(condition.begin(), condition.end(), [&](const json& each) {
                             return filter_grammatical(each, hosted, level + 1);
                           });
      if (!filters) return false;
      continue;
    }
    const auto characters = std::count_if(property.begin(), property.end(),
                                          [](unsigned char c) { return c < 0x80 || c >= 0xC0; });
    if (property.empty() || property[0] == '$' || property.find('"') != std::string::npos ||
        static_cast<std::size_t>(characters) > limits::property_bytes_max) {
      return false;
    }
    if (condition.is_primitive()) continue;
    // The object of operators is on its filter's level.
    if (!operators_grammatical(condition, hosted, level)) return false;
  }
  return true;
}

bool grammatical(const json& filter, bool hosted) {
  return filter.is_object() && filter.dump().size() < limits::filter_bytes_max &&
         filter_grammatical(filter, hosted, 1);
}

PropertyValue scalar(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return {};
  vectors::PropertyElements elements;
  for (const json& each : value) {
    if (each.is_boolean()) elements.emplace_back(each.get<bool>());
    if (each.is_number()) elements.emplace_back(each.get<double>());
    if (each.is_string()) elements.emplace_back(each.get<std::string>());
  }
  return elements.empty() ? PropertyValue() : PropertyValue(std::move(elements));
}

bool is_nothing(const PropertyValue& value) {
  return std::holds_alternative<std::monostate>(value);
}

bool equal(const PropertyValue& value, const PropertyValue& operand) {
  return !is_nothing(value) && !is_nothing(operand) && value == operand;
}

bool holds(const PropertyValue& value, PropertyType type, std::string_view name,
           const json& operand) {
  if (name == "$ne") return !holds(value, type, "$eq", operand);
  if (name == "$nin") return !holds(value, type, "$in", operand);
  if (name == "$in") {
    return std::any_of(operand.begin(), operand.end(),
                       [&](const json& each) { return holds(value, type, "$eq", each); });
  }
  const PropertyValue wanted = vectors::as_type(type, scalar(operand));
  const auto* elements = std::get_if<vectors::PropertyElements>(&value);
  if (name == "$exists") return is_nothing(value) != operand.get<bool>();
  if (name == "$contains" && elements != nullptr) {
    return std::any_of(elements->begin(), elements->end(), [&](const auto& element) {
      return std::visit([](const auto& each) { return PropertyValue(each); }, element) == wanted;
    });
  }
  if (name == "$contains") {
    const auto* text = std::get_if<std::string>(&value);
    const auto* part = std::get_if<std::string>(&wanted);
    return text != nullptr && part != nullptr && text->find(*part) != std::string::npos;
  }
  if (elements != nullptr) return false;
  if (name == "$eq") return equal(value, wanted);
  if (is_nothing(value) || is_nothing(wanted)) return false;
  if (name == "$lt") return value < wanted;
  if (name == "$lte") return value <= wanted;
  return name == "$gt" ? value > wanted : value >= wanted;
}

PropertyValue property_of(const json& metadata, std::string_view path) {
  const json* at = &metadata;
  for (std::size_t dot = 0; dot != std::string_view::npos;) {
    dot = path.find('.');
    const auto found = at->find(std::string(path.substr(0, dot)));
    if (found == at->end()) return {};
    at = &*found;
    path.remove_prefix(dot == std::string_view::npos ? path.size() : dot + 1);
  }
  return scalar(*at);
}

// True, false, or neither: what a condition on a property without index is.
enum class Truth { no, unknown, yes };

Truth opposite(Truth truth) {
  if (truth == Truth::unknown) return truth;
  return truth == Truth::yes ? Truth::no : Truth::yes;
}

Truth all_hold(const PropertyValue& value, PropertyType type, const json& operators) {
  for (const auto& [name, operand] : operators.items()) {
    const bool held = name == "$not" ? all_hold(value, type, operand) != Truth::yes
                                     : holds(value, type, name, operand);
    if (!held) return Truth::no;
  }
  return Truth::yes;
}

Truth judge_property(const std::string& property, const json& condition, const json& metadata) {
  const auto index = std::find_if(indexes().begin(), indexes().end(),
                                  [&](const auto& each) { return each.property == property; });
  if (index == indexes().end()) return Truth::unknown;
  const PropertyValue value = vectors::as_type(index->type, property_of(metadata, property));
  return all_hold(value, index->type, condition.is_object() ? condition : json{{"$eq", condition}});
}

// What the filter says of one vector's metadata.
Truth judge(const json& filter, const json& metadata) {
  Truth all = Truth::yes;
  for (const auto& [name, condition] : filter.items()) {
    if (name == "$not") {
      all = std::min(all, opposite(judge(condition, metadata)));
    } else if (name == "$and" || name == "$or") {
      Truth most = Truth::no;
      Truth least = Truth::yes;
      for (const json& each : condition) {
        const Truth judged = judge(each, metadata);
        most = std::max(most, judged);
        least = std::min(least, judged);
      }
      all = std::min(all, name == "$or" ? most : least);
    } else {
      all = std::min(all, judge_property(name, condition, metadata));
    }
  }
  return all;
}

// Whether a write would take it, as far as it matters here.
bool storable(const json& value, std::size_t depth) {
  if (depth > kDepthMax) return false;
  if (value.is_primitive()) return true;
  for (const auto& [key, inner] : value.items()) {
    if (value.is_object() && key.find('.') != std::string::npos) return false;
    if (!storable(inner, depth + 1)) return false;
  }
  return true;
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

void compare(const json& filter, const vectors::CompiledFilter& compiled,
             const vectors::Properties& properties, std::string_view lines) {
  std::vector<std::shared_ptr<vectors::Column>> columns;
  for (const auto& index : indexes()) {
    columns.push_back(std::make_shared<vectors::Column>(index.type, kRowsMax));
  }
  std::vector<std::uint32_t> rows;
  std::vector<std::uint32_t> wanted;
  std::vector<PropertyValue> values;
  while (!lines.empty() && rows.size() < kRowsMax) {
    const std::string_view line = take_line(lines);
    const auto read = selvedge::api::parse_json(line);
    if (!read.ok() || !read->is_object() || !storable(*read, 1)) continue;
    const json& metadata = *read;
    const auto row = static_cast<std::uint32_t>(rows.size());
    properties.read(selvedge::api::read_metadata_properties, line, 1, values);
    for (std::size_t at = 0; at < columns.size(); ++at) columns[at]->set(row, values[at]);
    const bool pass = judge(filter, metadata) == Truth::yes;
    SEL_CHECK(compiled.matches(values) == pass);
    rows.push_back(row);
    if (pass) wanted.push_back(row);
  }
  compiled.narrow(columns, rows);
  SEL_CHECK(rows == wanted);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto filter = selvedge::api::parse_json(take_line(text));
  if (!filter.ok()) return 0;
  const auto hosted = selvedge::api::parse_filter(*filter, selvedge::api::FilterGrammar::hosted);
  SEL_CHECK(hosted.ok() == grammatical(*filter, true));
  const auto parsed = selvedge::api::parse_filter(*filter);
  SEL_CHECK(parsed.ok() == grammatical(*filter, false));
  if (!parsed.ok()) return 0;
  const vectors::Properties properties(indexes());
  compare(*filter, vectors::CompiledFilter(*parsed, properties), properties, text);
  return 0;
}
