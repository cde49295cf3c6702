// Vectorize metadata indexes: definitions in and out, and the metadata that only they know.
#include "api/vectorize_metadata_indexes.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>

#include <nlohmann/json.hpp>

#include "api/json_reader.h"
#include "api/json_writer.h"
#include "api/vectorize_errors.h"
#include "base/limits.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

struct TypeName {
  std::string_view name;
  vectors::PropertyType type;
};
constexpr TypeName kTypes[] = {
    {"string", vectors::PropertyType::string},
    {"number", vectors::PropertyType::number},
    {"boolean", vectors::PropertyType::boolean},
};

std::string_view type_name(vectors::PropertyType type) {
  for (const TypeName& each : kTypes) {
    if (each.type == type) return each.name;
  }
  return "string";
}

std::optional<std::string> text_member(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

// A path that no metadata can have would match nothing for ever.
bool possible_property(std::string_view property) {
  if (property.empty() || property.size() > limits::property_bytes_max) return false;
  if (property.find('"') != std::string_view::npos) return false;
  while (true) {
    const std::size_t dot = property.find('.');
    const std::string_view key = property.substr(0, dot);
    if (key.empty() || key.front() == '$') return false;
    if (dot == std::string_view::npos) return true;
    property.remove_prefix(dot + 1);
  }
}

Result<vectors::PropertyType> parse_type(const json& body) {
  const auto name = text_member(body, "indexType");
  const auto known = std::find_if(std::begin(kTypes), std::end(kTypes),
                                  [&](const TypeName& each) { return name && each.name == *name; });
  if (known != std::end(kTypes)) return known->type;
  return Error{Code::metadata_index_invalid,
               "invalid metadata index: indexType must be one of: string, number, boolean"};
}

// Numbers as JavaScript writes them, up to the exponents: 2, 2.5, 1e+300.
void append_value(std::string& text, const vectors::PropertyValue& value) {
  if (const auto* string = std::get_if<std::string>(&value)) {
    append_string(text, *string);
  } else if (const auto* truth = std::get_if<bool>(&value)) {
    text += *truth ? "true" : "false";
  } else if (const auto* number = std::get_if<double>(&value)) {
    append_double(text, *number);
  } else {
    text += "null";
  }
}

using Indexed = std::pair<std::string, vectors::PropertyValue>;

// The members below the first `skip` bytes of their properties; `members` share those bytes.
void append_members(std::string& text, std::span<const Indexed* const> members, std::size_t skip) {
  text += '{';
  std::vector<const Indexed*> done;
  for (const Indexed* member : members) {
    if (std::find(done.begin(), done.end(), member) != done.end()) continue;
    const std::string_view rest = std::string_view(member->first).substr(skip);
    const std::string_view key = rest.substr(0, rest.find('.'));
    if (text.back() != '{') text += ',';
    append_string(text, key);
    text += ':';
    if (key.size() == rest.size()) {
      append_value(text, member->second);
      continue;
    }
    std::vector<const Indexed*> below;
    const std::string_view prefix = rest.substr(0, key.size() + 1);
    for (const Indexed* other : members) {
      if (std::string_view(other->first).substr(skip).starts_with(prefix)) below.push_back(other);
    }
    done.insert(done.end(), below.begin(), below.end());
    append_members(text, below, skip + prefix.size());
  }
  text += '}';
}

}  // namespace

Result<std::string> create_metadata_index(const IndexPath& path, std::string_view body) {
  auto parsed = parse_json(body);
  if (!parsed.ok() || !parsed->is_object()) return invalid_body_payload();
  const auto property = text_member(*parsed, "propertyName");
  if (!property) return invalid_body_payload();
  if (!possible_property(*property)) return invalid_property();
  SEL_TRY(type, parse_type(*parsed));
  SEL_TRY(index, find_index(path));
  return mutation_result(
      path, *index,
      index->create_metadata_index(*property, type, path.rules.metadata_index_takes_written,
                                   path.rules.metadata_indexes_max));
}

Result<std::string> list_metadata_indexes(const IndexPath& path) {
  SEL_TRY(index, find_index(path));
  std::string result = "{\"metadataIndexes\":[";
  for (const vectors::MetadataIndex& each : index->metadata_indexes()) {
    if (result.back() != '[') result += ',';
    result += "{\"propertyName\":";
    append_string(result, each.property);
    result += ",\"indexType\":\"";
    result += type_name(each.type);
    result += "\"}";
  }
  result += "]}";
  return result;
}

Result<std::string> delete_metadata_index(const IndexPath& path, std::string_view body) {
  auto parsed = parse_json(body);
  if (!parsed.ok() || !parsed->is_object()) return invalid_body_payload();
  auto property = text_member(*parsed, "propertyName");
  if (!property && !path.rules.hosted) property = text_member(*parsed, "property");
  if (!property) return invalid_body_payload();
  SEL_TRY(index, find_index(path));
  return mutation_result(path, *index, index->delete_metadata_index(*property));
}

void append_indexed_metadata(std::string& text, std::span<const Indexed> indexed) {
  std::vector<const Indexed*> members;
  for (const Indexed& each : indexed) members.push_back(&each);
  append_members(text, members, 0);
}

}  // namespace selvedge::api
