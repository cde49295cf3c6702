// Schema bounds: counts the ways that a schema leaves open before a grammar is made of it.
#include "engines/schema_bounds.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "common/json-schema-to-grammar.h"

namespace selvedge::engines {
namespace {

using json = common_json;

constexpr std::size_t kNodesMax = 4'000;
constexpr std::size_t kPropertiesMax = 128;  // Of one object.
constexpr std::size_t kValuesMax = 512;      // Of one enum.
constexpr std::size_t kWaysMax = 256;        // Open at once.
constexpr std::size_t kDepthMax = 64;
constexpr std::size_t kPatternBytesMax = 512;
constexpr std::size_t kVariantsMax = 6;  // Items of a pattern whose length is free.

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
      return 1;
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

bool is_expressible(const std::string& pattern) {
  if (!pattern.starts_with('^') || !pattern.ends_with('$')) return false;
  if (!is_bearable_pattern(pattern)) return false;
  // What the conversion cannot say it lets pass as any string.
  const json any = {{"type", "string"}};
  const json held = {{"type", "string"}, {"pattern", pattern}};
  return json_schema_to_grammar(held) != json_schema_to_grammar(any);
}

// Leaves out what no grammar can say, and tells whether there was such.
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
    } else if (key != "pattern" || !value.is_string() || is_expressible(value.get<std::string>())) {
      object[key] = with_known_patterns(value, dropped);
    } else {
      dropped = true;
    }
  }
  return object;
}

// Reads a pattern once. What a quantifier follows is one item: a character, a class or a group.
class PatternReader {
 public:
  explicit PatternReader(std::string_view pattern) : pattern_(pattern) {}

  bool is_bearable() {
    for (; at_ < pattern_.size(); ++at_) {
      if (!take()) return false;
    }
    return variants_ <= kVariantsMax;
  }

 private:
  // False: this is too much.
  bool take() {
    const char byte = pattern_[at_];
    if (byte == '{' || byte == '*' || byte == '+' || byte == '?') return take_quantifier(byte);
    group_varies_ = byte == ')' && !open_.empty() && open_.back();
    is_group_ = byte == ')';
    if (byte == '\\') {
      ++at_;
    } else if (byte == '[') {
      skip_class();
    } else if (byte == '|') {
      note_variant();
    } else if (byte == '(') {
      if (pattern_.substr(at_).starts_with("(?") && !pattern_.substr(at_).starts_with("(?:")) {
        return false;
      }
      if (pattern_.substr(at_).starts_with("(?:")) at_ += 2;
      open_.push_back(false);
    } else if (byte == ')' && !open_.empty()) {
      open_.pop_back();
      if (group_varies_) note_variant();
    }
    return true;
  }

  bool take_quantifier(char byte) {
    std::size_t least = byte == '+' ? 1 : 0;
    std::size_t most = byte == '?' ? 1 : 0;
    bool endless = byte == '*' || byte == '+';
    if (byte == '{') read_bounds(least, most, endless);
    if (byte == '{' && !endless && most < least) return false;
    const bool loops = endless || most > 1;
    if (is_group_ && group_varies_ && loops) return false;
    if (most > (is_group_ ? 64 : 1'000)) return false;
    if (endless || least != most) {
      ++variants_;
      note_variant();
    }
    is_group_ = false;
    return true;
  }

  void note_variant() {
    if (!open_.empty()) open_.back() = true;
  }

  // "{m}", "{m,}", "{m,n}".
  void read_bounds(std::size_t& least, std::size_t& most, bool& endless) {
    std::vector<std::size_t> numbers = {0};
    bool digits = false;
    for (++at_; at_ < pattern_.size() && pattern_[at_] != '}'; ++at_) {
      const char byte = pattern_[at_];
      if (byte == ',') {
        numbers.push_back(0);
        digits = false;
      } else if (byte >= '0' && byte <= '9') {
        const auto digit = static_cast<std::size_t>(byte - '0');
        numbers.back() = std::min<std::size_t>(numbers.back() * 10 + digit, 100'000);
        digits = true;
      }
    }
    least = numbers.front();
    most = numbers.back();
    endless = numbers.size() > 1 && !digits;
    if (endless) most = least;
  }

  void skip_class() {
    for (++at_; at_ < pattern_.size() && pattern_[at_] != ']'; ++at_) {
      if (pattern_[at_] == '\\') ++at_;
    }
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  std::size_t variants_ = 0;
  std::vector<bool> open_;     // Of each open group: what is in it varies.
  bool is_group_ = false;      // The item before is a group.
  bool group_varies_ = false;  // And varies.
};

}  // namespace

bool is_bearable_pattern(std::string_view pattern) {
  return pattern.size() <= kPatternBytesMax && PatternReader(pattern).is_bearable();
}

Result<common_json> bounded_schema(const common_json& schema, Patterns patterns) {
  Counter counter(schema);
  counter.ways(schema, 0);
  if (counter.fault() != nullptr) return Error{Code::invalid_input, counter.fault()};
  bool dropped = false;
  json known = with_known_patterns(schema, dropped);
  if (!dropped || patterns == Patterns::drop) return known;
  return Error{Code::invalid_input,
               "a pattern must begin with ^, end with $, not look around and not repeat what "
               "varies"};
}

}  // namespace selvedge::engines
