// Schema check: compiles keywords into nodes, and walks a value along them.
#include "api/schema_check.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "api/input_check.h"
#include "base/utf8.h"

namespace selvedge::api {

using nlohmann::json;
using nlohmann::ordered_json;

struct SchemaCheck::Node {
  std::vector<std::string> types;  // Empty = any.
  std::vector<json> allowed;       // enum; empty = any.
  std::vector<std::string> names;  // properties, in the schema's order
  std::vector<Node> properties;    // … and their schemas.
  std::vector<std::string> required;
  std::vector<Node> items;       // None or one.
  std::vector<Node> additional;  // None or one.
  bool additional_allowed = true;
  std::vector<Node> one_of;
  std::vector<Node> any_of;
  std::vector<Node> none_of;  // not: none or one.
  std::optional<double> minimum, maximum, above, below;
  std::size_t length_min = 0;  // Of a text.
  std::size_t length_max = std::numeric_limits<std::size_t>::max();
  std::size_t items_min = 0;
  std::size_t items_max = std::numeric_limits<std::size_t>::max();
  bool base64 = false;
};

namespace {

using Node = SchemaCheck::Node;

constexpr std::size_t kNamesShown = 5;
constexpr std::size_t kNameShownBytes = 32;
constexpr int kSchemaDepthMax = 16;

std::string shortened(std::string_view text) {
  return std::string(text.substr(0, utf8::floor_boundary(text, kNameShownBytes)));
}

// ---- Compiling.

Status compile_node(const ordered_json& schema, int depth, Node& node);

Status compile_list(const ordered_json& schemas, int depth, std::vector<Node>& nodes) {
  if (!schemas.is_array()) return Error{Code::corrupt_data, "a schema's branches are no list"};
  for (const ordered_json& schema : schemas) {
    SEL_CHECK_OK(compile_node(schema, depth + 1, nodes.emplace_back()));
  }
  return ok_status();
}

Status compile_properties(const ordered_json& schemas, int depth, Node& node) {
  if (!schemas.is_object()) return Error{Code::corrupt_data, "a schema's properties are no object"};
  for (const auto& [name, schema] : schemas.items()) {
    node.names.push_back(name);
    SEL_CHECK_OK(compile_node(schema, depth + 1, node.properties.emplace_back()));
  }
  return ok_status();
}

Status compile_additional(const ordered_json& value, int depth, Node& node) {
  if (value.is_boolean()) {
    node.additional_allowed = value.get<bool>();
    return ok_status();
  }
  return compile_node(value, depth + 1, node.additional.emplace_back());
}

// Keywords that hold other schemas; false when `keyword` is none.
Result<bool> compile_nested(const std::string& keyword, const ordered_json& value, int depth,
                            Node& node) {
  if (keyword == "properties") {
    SEL_CHECK_OK(compile_properties(value, depth, node));
  } else if (keyword == "additionalProperties") {
    SEL_CHECK_OK(compile_additional(value, depth, node));
  } else if (keyword == "oneOf") {
    SEL_CHECK_OK(compile_list(value, depth, node.one_of));
  } else if (keyword == "anyOf") {
    SEL_CHECK_OK(compile_list(value, depth, node.any_of));
  } else if (keyword == "items") {
    SEL_CHECK_OK(compile_node(value, depth + 1, node.items.emplace_back()));
  } else if (keyword == "not") {
    SEL_CHECK_OK(compile_node(value, depth + 1, node.none_of.emplace_back()));
  } else {
    return false;
  }
  return true;
}

bool compile_bound(const std::string& keyword, const ordered_json& value, Node& node) {
  if (!value.is_number()) return false;
  const double bound = value.get<double>();
  const auto count = static_cast<std::size_t>(std::max(0.0, bound));
  if (keyword == "minimum") {
    node.minimum = bound;
  } else if (keyword == "maximum") {
    node.maximum = bound;
  } else if (keyword == "exclusiveMinimum") {
    node.above = bound;
  } else if (keyword == "exclusiveMaximum") {
    node.below = bound;
  } else if (keyword == "minLength") {
    node.length_min = count;
  } else if (keyword == "maxLength") {
    node.length_max = count;
  } else if (keyword == "minItems") {
    node.items_min = count;
  } else if (keyword == "maxItems") {
    node.items_max = count;
  } else {
    return false;
  }
  return true;
}

bool compile_texts(const ordered_json& value, std::vector<std::string>& texts) {
  if (value.is_string()) {
    texts.push_back(value.get<std::string>());
    return true;
  }
  if (!value.is_array()) return false;
  for (const ordered_json& text : value) {
    if (!text.is_string()) return false;
    texts.push_back(text.get<std::string>());
  }
  return true;
}

bool compile_plain(const std::string& keyword, const ordered_json& value, Node& node) {
  constexpr std::array kSilent = {"title",  "description", "default",
                                  "format", "examples",    "$schema"};
  if (std::ranges::find(kSilent, keyword) != kSilent.end()) return true;
  if (keyword == "type") return compile_texts(value, node.types);
  if (keyword == "required") return compile_texts(value, node.required);
  if (keyword == "contentEncoding") return node.base64 = value == "base64";
  if (keyword != "enum" || !value.is_array()) return compile_bound(keyword, value, node);
  for (const ordered_json& allowed : value) node.allowed.push_back(json::parse(allowed.dump()));
  return true;
}

Status compile_node(const ordered_json& schema, int depth, Node& node) {
  if (!schema.is_object() || depth > kSchemaDepthMax) {
    return Error{Code::corrupt_data, "a schema is no object, or nested too deeply"};
  }
  for (const auto& [keyword, value] : schema.items()) {
    SEL_TRY(nested, compile_nested(keyword, value, depth, node));
    if (nested || compile_plain(keyword, value, node)) continue;
    return Error{Code::corrupt_data, "a schema's keyword '" + keyword + "' is unknown or wrong"};
  }
  return ok_status();
}

// ---- Checking.

bool boolean_text(const json& value) {
  return value.is_string() && (value == "true" || value == "false");
}

bool is_whole(const json& value) {
  if (value.is_number_integer()) return true;
  if (!value.is_number_float()) return false;
  const double number = value.get<double>();
  return number == std::floor(number);
}

bool has_type(const json& value, const std::string& type, bool lenient) {
  if (type == "string") return value.is_string();
  if (type == "integer") return is_whole(value);
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean() || (lenient && boolean_text(value));
  if (type == "array") return value.is_array();
  if (type == "object") return value.is_object();
  return type == "null" && value.is_null();
}

bool is_base64(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0 && text[end - 1] == '=' && text.size() - end < 2) --end;
  return std::ranges::all_of(text.substr(0, end), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/' || c == '-' || c == '_' || c == '\n' || c == '\r';
  });
}

std::string joined(const std::vector<std::string>& texts, std::string_view separator) {
  std::string all;
  for (const std::string& text : texts) {
    if (!all.empty()) all += separator;
    all += text;
  }
  return all;
}

// Goes along one value. Every function returns false after it put a message into `fault_`.
class Walk {
 public:
  explicit Walk(bool lenient) : lenient_(lenient) {}
  bool meets(const Node& node, const json& value);
  Error error() { return Error{code_, std::move(fault_)}; }

 private:
  bool fail(std::string message) {
    fault_ = std::move(message);
    return false;
  }
  std::string_view path() const { return path_.empty() ? "/" : std::string_view(path_); }
  std::string at_path() const { return "'" + std::string(path()) + "'"; }

  bool one_branch(const std::vector<Node>& branches, std::string_view keyword, const json& value);
  bool null_is_absent(const Node& node) const;
  std::size_t length_of(std::string_view text) const;
  bool in_enum(const Node& node, const json& value);
  bool of_type(const Node& node, const json& value);
  bool in_length(std::size_t length, std::size_t least, std::size_t most);
  bool in_range(const Node& node, double number);
  bool object_meets(const Node& node, const json& value);
  bool additional_meets(const Node& node, const json& value);
  bool array_meets(const Node& node, const json& value);
  bool child_meets(const Node& node, const std::string& name, const json& value);

  bool lenient_;
  std::string path_;
  std::string fault_;
  Code code_ = Code::invalid_input;
  std::vector<std::string> reasons_;  // Why branches were not met; each once.
  int branch_depth_ = 0;
};

bool Walk::child_meets(const Node& node, const std::string& name, const json& value) {
  const std::size_t length = path_.size();
  path_ += '/';
  path_ += shortened(name);
  const bool met = meets(node, value);
  path_.resize(length);
  return met;
}

bool Walk::one_branch(const std::vector<Node>& branches, std::string_view keyword,
                      const json& value) {
  const std::size_t reasons_before = reasons_.size();
  const bool one = keyword == "oneOf";
  const int most = one && !lenient_ ? 2 : 1;  // Whether there are more makes no difference.
  int matches = 0;
  ++branch_depth_;
  for (const Node& branch : branches) {
    if (meets(branch, value)) {
      if (++matches == most) break;
    } else if (std::ranges::find(reasons_, fault_) == reasons_.end()) {
      reasons_.push_back(fault_);
    }
  }
  --branch_depth_;
  if (matches == 1) {
    reasons_.resize(reasons_before);
    code_ = Code::invalid_input;
    return true;
  }
  std::string message = std::string(keyword) + " at " + at_path() + " not met";
  if (one) message += ", " + std::to_string(matches) + " matches";
  // The outermost one tells the reasons of all.
  if (branch_depth_ == 0 && !reasons_.empty()) message += ": " + joined(reasons_, ", ");
  return fail(std::move(message));
}

// cabidela walks over what null has: nothing, where a list or an object is wanted or anything goes.
bool Walk::null_is_absent(const Node& node) const {
  if (lenient_) return true;
  if (!node.allowed.empty() || !node.one_of.empty() || !node.any_of.empty()) return false;
  return std::ranges::all_of(node.types,
                             [](const auto& type) { return type == "array" || type == "object"; });
}

std::size_t Walk::length_of(std::string_view text) const {
  const auto pairs = std::ranges::count_if(
      text, [](char byte) { return static_cast<unsigned char>(byte) >= 0xf0; });
  return code_points(text) + (lenient_ ? 0 : static_cast<std::size_t>(pairs));
}

bool Walk::in_enum(const Node& node, const json& value) {
  if (node.allowed.empty() || std::ranges::find(node.allowed, value) != node.allowed.end()) {
    return true;
  }
  std::vector<std::string> names;
  for (const json& allowed : node.allowed) {
    names.push_back(allowed.is_string() ? allowed.get<std::string>() : allowed.dump());
  }
  const std::string sent = value.is_string()      ? value.get<std::string>()
                           : value.is_primitive() ? value.dump()
                                                  : std::string(type_name(value));
  return fail(not_in_enum(path(), sent, joined(names, ",")).message);
}

bool Walk::of_type(const Node& node, const json& value) {
  if (node.types.empty()) return true;
  for (const std::string& type : node.types) {
    if (has_type(value, type, lenient_)) return true;
  }
  return fail(type_mismatch(path(), node.types.front(), value).message);
}

bool Walk::in_length(std::size_t length, std::size_t least, std::size_t most) {
  const Status checked = check_count(path(), length, least, most);
  return checked.ok() || fail(checked.error().message);
}

bool Walk::in_range(const Node& node, double number) {
  const auto outside = [&](std::string_view relation, double bound) {
    return fail(out_of_range(path(), relation, bound).message);
  };
  if (node.minimum && number < *node.minimum) return outside(">=", *node.minimum);
  if (node.above && number <= *node.above) return outside(">", *node.above);
  if (node.maximum && number > *node.maximum) return outside("<=", *node.maximum);
  if (node.below && number >= *node.below) return outside("<", *node.below);
  return true;
}

bool Walk::additional_meets(const Node& node, const json& value) {
  if (node.additional_allowed && node.additional.empty()) return true;
  std::vector<std::string> extra;
  for (const auto& [name, part] : value.items()) {
    if (std::ranges::find(node.names, name) != node.names.end()) continue;
    if (!node.additional.empty()) {
      if (!child_meets(node.additional.front(), name, part)) return false;
    } else if (extra.size() < kNamesShown) {
      extra.push_back(path_ + "/" + shortened(name));
    }
  }
  if (extra.empty()) return true;
  return fail("Additional or unevaluated properties '" + joined(extra, ", ") + "' at " + at_path() +
              " not allowed");
}

bool Walk::object_meets(const Node& node, const json& value) {
  const auto is_required = [&](const std::string& name) {
    return std::ranges::find(node.required, name) != node.required.end();
  };
  for (std::size_t at = 0; at < node.names.size(); ++at) {
    const std::string& name = node.names[at];
    const auto part = value.find(name);
    if (part == value.end()) continue;
    if (part->is_null() && !is_required(name) && null_is_absent(node.properties[at])) continue;
    if (!child_meets(node.properties[at], name, *part)) return false;
  }
  if (!additional_meets(node, value)) return false;
  const bool complete = std::ranges::all_of(
      node.required, [&](const std::string& name) { return value.contains(name); });
  return complete || fail(required_missing(path(), joined(node.required, ",")).message);
}

bool Walk::array_meets(const Node& node, const json& value) {
  if (!in_length(value.size(), node.items_min, node.items_max)) return false;
  if (node.items.empty()) return true;
  for (std::size_t at = 0; at < value.size(); ++at) {
    if (!child_meets(node.items.front(), std::to_string(at), value[at])) return false;
  }
  return true;
}

bool Walk::meets(const Node& node, const json& value) {
  if (!node.none_of.empty() && meets(node.none_of.front(), value)) {
    return fail("not at " + at_path() + " not met");
  }
  if (!node.one_of.empty() && !one_branch(node.one_of, "oneOf", value)) return false;
  if (!node.any_of.empty() && !one_branch(node.any_of, "anyOf", value)) return false;
  if (!in_enum(node, value) || !of_type(node, value)) return false;
  if (value.is_object()) return object_meets(node, value);
  if (value.is_array()) return array_meets(node, value);
  if (value.is_number()) return in_range(node, value.get<double>());
  if (!value.is_string()) return true;
  const auto& text = value.get_ref<const std::string&>();
  if (node.base64 && !is_base64(text)) {
    code_ = Code::unknown_content_type;
    return fail("Invalid data type for base64 input: string that is not base64 at " + at_path());
  }
  return in_length(length_of(text), node.length_min, node.length_max);
}

}  // namespace

SchemaCheck::SchemaCheck(std::unique_ptr<const Node> root) : root_(std::move(root)) {}
SchemaCheck::SchemaCheck(SchemaCheck&&) noexcept = default;
SchemaCheck& SchemaCheck::operator=(SchemaCheck&&) noexcept = default;
SchemaCheck::~SchemaCheck() = default;

Result<SchemaCheck> SchemaCheck::compile(std::string_view schema) {
  const auto parsed = ordered_json::parse(schema, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) return Error{Code::corrupt_data, "a schema is not valid JSON"};
  auto root = std::make_unique<Node>();
  SEL_CHECK_OK(compile_node(parsed, 0, *root));
  return SchemaCheck(std::move(root));
}

Status SchemaCheck::check(const json& value, bool lenient) const {
  Walk walk(lenient);
  if (walk.meets(*root_, value)) return ok_status();
  return walk.error();
}

}  // namespace selvedge::api
