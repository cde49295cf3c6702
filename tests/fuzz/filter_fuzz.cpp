// Fuzzes metadata filters: the grammar and the compiled tests must agree with plain readings of the
// same JSON.
//
// The first line of the input is the filter, each further one the metadata of a vector.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
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

bool takes(std::string_view name, const json& operand) {
  if (name == "$eq" || name == "$ne") return operand.is_primitive();
  if (name == "$in" || name == "$nin") {
    return operand.is_array() && std::all_of(operand.begin(), operand.end(),
                                             [](const json& each) { return each.is_primitive(); });
  }
  return is_order(name) && (operand.is_string() || operand.is_number());
}

// The grammar, said once more.
bool grammatical(const json& filter) {
  if (!filter.is_object() || filter.dump().size() >= limits::filter_bytes_max) return false;
  for (const auto& [property, condition] : filter.items()) {
    const auto characters = std::count_if(property.begin(), property.end(),
                                          [](unsigned char c) { return c < 0x80 || c >= 0xC0; });
    if (property.empty() || property[0] == '$' || property.find('"') != std::string::npos ||
        static_cast<std::size_t>(characters) > limits::property_bytes_max) {
      return false;
    }
    if (condition.is_array()) return false;
    if (!condition.is_object()) continue;
    if (condition.empty() || condition.size() > 2) return false;
    std::vector<std::string> names;
    for (const auto& [name, operand] : condition.items()) {
      if (!takes(name, operand)) return false;
      names.push_back(name);
    }
    if (names.size() == 2 &&
        (!is_order(names[0]) || !is_order(names[1]) || is_lower(names[0]) == is_lower(names[1]))) {
      return false;
    }
  }
  return true;
}

PropertyValue scalar(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  return {};
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

// What the filter says of one vector's metadata.
bool passes(const json& filter, const json& metadata) {
  for (const auto& [property, condition] : filter.items()) {
    const auto index = std::find_if(indexes().begin(), indexes().end(),
                                    [&](const auto& each) { return each.property == property; });
    if (index == indexes().end()) return false;
    const PropertyValue value =
        vectors::as_type(index->type, property_of(metadata, index->property));
    if (!condition.is_object()) {
      if (!holds(value, index->type, "$eq", condition)) return false;
      continue;
    }
    for (const auto& [name, operand] : condition.items()) {
      if (!holds(value, index->type, name, operand)) return false;
    }
  }
  return true;
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
    const bool pass = passes(filter, metadata);
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
  const auto parsed = selvedge::api::parse_filter(*filter);
  SEL_CHECK(parsed.ok() == grammatical(*filter));
  if (!parsed.ok()) return 0;
  const vectors::Properties properties(indexes());
  compare(*filter, vectors::CompiledFilter(*parsed, properties), properties, text);
  return 0;
}
