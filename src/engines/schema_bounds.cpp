// Schema bounds: counts the ways that a schema leaves open before a grammar is made of it.
#include "engines/schema_bounds.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "common/json-schema-to-grammar.h"
#include "engines/schema_pattern.h"

namespace selvedge::engines {
namespace {

using json = common_json;

constexpr std::size_t kNodesMax = 4'000;
constexpr std::size_t kPropertiesMax = 128;  // Of one object.
constexpr std::size_t kValuesMax = 512;      // Of one enum.
constexpr std::size_t kWaysMax = 512;        // Open at once.
constexpr std::size_t kDepthMax = 64;

bool holds_values(const std::string& key) {
  return key == "enum" || key == "const" || key == "default" || key == "examples";
}

// With what JSON of a schema can begin: o a s n b 0 for object, array, string, number, boolean and
// null; empty where anything can.
std::string beginnings(const json& schema) {
  if (!schema.is_object()) return {};
  const auto letter = [](const std::string& type) -> std::string {
    if (type == "integer") return "n";
    if (type == "null") return "0";
    return type.substr(0, 1);
  };
  if (schema.contains("type") && schema.at("type").is_string()) {
    return letter(schema.at("type").get<std::string>());
  }
  if (schema.contains("properties")) return "o";
  if (schema.contains("const") && schema.at("const").is_string()) return "s";
  if (schema.contains("enum") && schema.at("enum").is_array()) {
    bool texts = true;
    for (std::size_t at = 0; at < schema.at("enum").size(); ++at) {
      texts = texts && schema.at("enum").at(at).is_string();
    }
    if (texts) return "s";
  }
  return {};
}

bool begin_differently(const json& branches) {
  std::set<std::string> seen;
  for (std::size_t at = 0; at < branches.size(); ++at) {
    const std::string own = beginnings(branches.at(at));
    if (own.empty() || !seen.insert(own).second) return false;
  }
  return true;
}

// Nothing meets such bounds, and llama.cpp never ends to read the grammar that they become.
bool bounds_cross(const json& schema) {
  constexpr std::pair<const char*, const char*> kBounds[] = {
      {"minItems", "maxItems"}, {"minLength", "maxLength"}, {"minimum", "maximum"}};
  return std::ranges::any_of(kBounds, [&schema](const auto& names) {
    if (!schema.contains(names.first) || !schema.contains(names.second)) return false;
    const json& least = schema.at(names.first);
    const json& most = schema.at(names.second);
    return least.is_number() && most.is_number() && least.get<double>() > most.get<double>();
  });
}

class Counter {
 public:
  explicit Counter(const json& root) : root_(root) {}

  // Why the schema is too much; null when it is not.
  const char* fault() const { return fault_; }

  // Ways of reading that `schema` has open at once, at most.
  std::size_t ways(const json& schema, std::size_t depth) {
    if (depth > kDepthMax) refuse("nested too deeply");
    if (++nodes_ > kNodesMax) refuse("too large");
    if (fault_ != nullptr || !schema.is_object()) return 1;
    if (bounds_cross(schema)) refuse("a least number that is above the greatest");
    std::size_t most = 1;
    for (const auto& member : schema.items()) {
      most = std::max(most, ways_of(member.key(), member.value(), depth));
      if (most > kWaysMax) refuse("too many alternatives that begin alike");
    }
    return most;
  }

 private:
  // The first reason counts.
  void refuse(const char* why) {
    if (fault_ == nullptr) fault_ = why;
  }

  std::size_t ways_of(const std::string& key, const json& value, std::size_t depth) {
    if (key == "enum") {
      if (value.size() > kValuesMax) refuse("an enum has too many values");
      return std::max<std::size_t>(value.size(), 1);
    }
    if (key == "pattern" && value.is_string()) {
      const auto text = json_text_pattern(value.get<std::string>());
      return text ? text->ways : 1;
    }
    if (holds_values(key)) return 1;
    if (key == "$ref" && value.is_string()) return ways_of_reference(value, depth);
    if ((key == "anyOf" || key == "oneOf") && value.is_array()) return ways_of_any(value, depth);
    std::size_t most = 1;
    if (key == "properties" && value.is_object()) {
      if (value.size() > kPropertiesMax) refuse("an object has too many properties");
      for (const auto& one : value.items()) most = std::max(most, ways(one.value(), depth + 1));
    } else if (value.is_array()) {
      for (std::size_t at = 0; at < value.size(); ++at) {
        most = std::max(most, ways(value.at(at), depth + 1));
      }
    } else if (key != "$defs" && key != "definitions") {
      most = ways(value, depth + 1);
    }
    return most;
  }

  std::size_t ways_of_any(const json& branches, std::size_t depth) {
    const bool apart = begin_differently(branches);
    if (!apart) ++choices_;
    std::size_t sum = 0;
    std::size_t most = 1;
    for (std::size_t at = 0; at < branches.size(); ++at) {
      const std::size_t own = ways(branches.at(at), depth + 1);
      sum += own;
      most = std::max(most, own);
    }
    if (!apart) --choices_;
    return apart ? most : sum;
  }

  std::size_t ways_of_reference(const json& value, std::size_t depth) {
    const auto name = value.get<std::string>();
    const auto open = std::ranges::find(references_, name);
    if (open != references_.end()) {
      const auto at = static_cast<std::size_t>(open - references_.begin());
      if (choices_ > choices_at_[at]) {
        refuse("a schema that holds itself by alternatives that begin alike");
      }
      return 1;
    }
    const json* target = find(name);
    if (target == nullptr) return 1;  // The conversion says so.
    references_.push_back(name);
    choices_at_.push_back(choices_);
    const std::size_t most = ways(*target, depth + 1);
    references_.pop_back();
    choices_at_.pop_back();
    return most;
  }

  const json* find(const std::string& reference) const {
    if (!reference.starts_with("#/")) return nullptr;
    const json* at = &root_;
    std::size_t begin = 2;
    while (begin <= reference.size()) {
      const std::size_t end = std::min(reference.find('/', begin), reference.size());
      const std::string name = reference.substr(begin, end - begin);
      if (!at->is_object() || !at->contains(name)) return nullptr;
      at = &at->at(name);
      begin = end + 1;
    }
    return at;
  }

  const json& root_;
  const char* fault_ = nullptr;
  std::size_t nodes_ = 0;
  std::size_t choices_ = 0;  // Around, of branches that begin alike.
  std::vector<std::string> references_;
  std::vector<std::size_t> choices_at_;  // When each reference was followed.
};

// What the conversion cannot say it lets pass as any string.
bool is_known(const std::string& pattern) {
  const json any = {{"type", "string"}};
  const json held = {{"type", "string"}, {"pattern", pattern}};
  return json_schema_to_grammar(held) != json_schema_to_grammar(any);
}

// With patterns as patterns of JSON text. Leaves out what no grammar can say, and tells whether
// there was such.
json with_known_patterns(const json& schema, bool& dropped) {
  if (schema.is_array()) {
    json list = json::array();
    for (std::size_t at = 0; at < schema.size(); ++at) {
      list.push_back(with_known_patterns(schema.at(at), dropped));
    }
    return list;
  }
  if (!schema.is_object()) return schema;
  json object = json::object();
  for (const auto& member : schema.items()) {
    const std::string key = member.key();
    const json& value = member.value();
    if (holds_values(key)) {
      object[key] = value;
    } else if (key == "properties" && value.is_object()) {
      json properties = json::object();
      for (const auto& one : value.items()) {
        properties[one.key()] = with_known_patterns(one.value(), dropped);
      }
      object[key] = properties;
    } else if (key != "pattern" || !value.is_string()) {
      object[key] = with_known_patterns(value, dropped);
    } else if (const auto text = json_text_pattern(value.get<std::string>());
               text && is_known(text->text)) {
      object[key] = text->text;
    } else {
      dropped = true;
    }
  }
  return object;
}

}  // namespace

Result<common_json> bounded_schema(const common_json& schema, Patterns patterns) {
  Counter counter(schema);
  counter.ways(schema, 0);
  if (counter.fault() != nullptr) return Error{Code::invalid_input, counter.fault()};
  bool dropped = false;
  json known = with_known_patterns(schema, dropped);
  if (!dropped || patterns == Patterns::drop) return known;
  return Error{Code::invalid_input,
               "a pattern may not look around, refer back, ask for properties of characters, "
               "repeat what may be empty, or repeat too much"};
}

}  // namespace selvedge::engines
