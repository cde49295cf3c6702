// Metadata properties: one walk over the JSON with simdjson, into those branches only that a
// property names.
#include "api/metadata_properties.h"

#include <utility>

// Without its exceptions, a result that is taken for a value does not compile.
#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

#include "api/json_number.h"
#include "base/check.h"
#include "base/limits.h"

namespace selvedge::api {
namespace {

namespace ondemand = simdjson::ondemand;

vectors::PropertyValue scalar(ondemand::value value, ondemand::json_type type) {
  if (type == ondemand::json_type::string) {
    std::string_view text;
    if (!value.get_string().get(text)) return std::string(text);
  } else if (type == ondemand::json_type::number) {
    double number = 0;
    if (read_double(value, number)) return number;
  } else if (type == ondemand::json_type::boolean) {
    bool truth = false;
    if (!value.get_bool().get(truth)) return truth;
  }
  return {};
}

// The scalars of an array go to `found`. False when the JSON breaks off.
bool read_elements(ondemand::value value, vectors::PropertyValue& found) {
  ondemand::array array;
  if (value.get_array().get(array)) return false;
  vectors::PropertyElements elements;
  for (auto each : array) {
    ondemand::value element;
    ondemand::json_type type{};
    if (each.get(element) || element.type().get(type)) return false;
    vectors::PropertyValue read = scalar(element, type);
    if (const auto* truth = std::get_if<bool>(&read)) elements.emplace_back(*truth);
    if (const auto* number = std::get_if<double>(&read)) elements.emplace_back(*number);
    if (auto* text = std::get_if<std::string>(&read)) elements.emplace_back(std::move(*text));
  }
  if (!elements.empty()) found = std::move(elements);
  return true;
}

class PropertyWalk {
 public:
  PropertyWalk(std::span<const std::string> properties, std::span<vectors::PropertyValue> values)
      : properties_(properties), values_(values) {}

  // False when the JSON breaks off.
  bool object(ondemand::object object, std::size_t depth) {
    if (depth > limits::json_depth_max) return false;
    for (auto field : object) {
      std::string_view key;
      ondemand::value value;
      if (field.unescaped_key().get(key) || field.value().get(value)) return false;
      const std::size_t parent_bytes = path_.size();
      path_ += key;
      const bool whole = !named() || member(value, depth);
      path_.resize(parent_bytes);
      if (!whole) return false;
    }
    return true;
  }

 private:
  bool is_here(const std::string& property) const { return property == path_; }
  bool is_below(const std::string& property) const {
    return property.size() > path_.size() && property[path_.size()] == '.' &&
           property.starts_with(path_);
  }

  bool named() const {
    for (const std::string& property : properties_) {
      if (is_here(property) || is_below(property)) return true;
    }
    return false;
  }

  // The member at path_: an earlier one of the same key, and what stood in it, no longer count.
  bool member(ondemand::value value, std::size_t depth) {
    ondemand::json_type type{};
    if (value.type().get(type)) return false;
    vectors::PropertyValue found = scalar(value, type);
    if (type == ondemand::json_type::array && !read_elements(value, found)) return false;
    for (std::size_t at = 0; at < properties_.size(); ++at) {
      if (is_here(properties_[at])) values_[at] = found;
      if (is_below(properties_[at])) values_[at] = std::monostate();
    }
    if (type != ondemand::json_type::object) return true;
    ondemand::object inner;
    if (value.get_object().get(inner)) return false;
    path_ += '.';
    return object(inner, depth + 1);
  }

  std::span<const std::string> properties_;
  std::span<vectors::PropertyValue> values_;
  std::string path_;  // Of the member that is looked at.
};

}  // namespace

void read_metadata_properties(std::string_view metadata, std::span<const std::string> properties,
                              std::span<vectors::PropertyValue> values) {
  SEL_CHECK(properties.size() == values.size());
  for (vectors::PropertyValue& value : values) value = std::monostate();
  const simdjson::padded_string text(metadata);
  thread_local ondemand::parser parser;  // Its buffers serve every vector of a write.
  ondemand::document document;
  ondemand::object object;
  if (parser.iterate(text).get(document)) return;
  if (document.get_object().get(object)) return;
  if (PropertyWalk(properties, values).object(object, 1)) return;
  for (vectors::PropertyValue& value : values) value = std::monostate();
}

}  // namespace selvedge::api
