// Chat options: every shape into one.
#include "api/chat_options.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/json_reader.h"
#include "base/json_depth.h"
#include "base/limits.h"

namespace selvedge::api {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* kOrder = "propertyOrdering";
// Members whose insides are schemas.
constexpr std::string_view kAsking[] = {"tools",    "response_format", "guided_json",
                                        "text",     "inputs",          "input",
                                        "requests", "output_format",   "output_config"};

ChatFault fault(std::string param, std::string message, std::string code = {}) {
  return {std::move(param), std::move(message), std::move(code)};
}

ChatFault wrong_type(const std::string& param, std::string_view wanted) {
  return fault(param, "Invalid type for '" + param + "': expected " + std::string(wanted) + ".",
               "invalid_type");
}

ChatFault missing(const std::string& param) {
  return fault(param, "Missing required parameter: '" + param + "'.", "missing_required_parameter");
}

ChatFault wrong_value(const std::string& param, std::string_view sent, std::string_view known) {
  return fault(param,
               "Invalid value: '" + std::string(sent.substr(0, 32)) +
                   "'. Supported values are: " + std::string(known) + ".",
               "invalid_value");
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= limits::tool_name_chars_max &&
         std::ranges::all_of(name, [](char byte) {
           return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                  (byte >= '0' && byte <= '9') || byte == '_' || byte == '-' || byte == '.';
         });
}

std::string type_of(const json& object) {
  const json* type = present(object, "type");
  return type != nullptr && type->is_string() ? type->get<std::string>() : std::string();
}

// The object with name and parameters, and its path.
struct Function {
  const json* object = nullptr;
  std::string path;
};

MaybeFault find_function(const json& tool, const std::string& path, Function& function) {
  if (!tool.is_object()) return wrong_type(path, "an object");
  const std::string type = type_of(tool);
  if (!type.empty() && type != "function" && type != "custom") {
    return wrong_value(path + ".type", type, "'function'");
  }
  function = {&tool, path};
  const json* inner = present(tool, "function");
  if (inner == nullptr) return std::nullopt;
  function = {inner, path + ".function"};
  if (!inner->is_object()) return wrong_type(function.path, "an object");
  return std::nullopt;
}

// The form that schemas of parameters have; what is in them the runner checks.
MaybeFault read_parameters(const Function& function, ordered_json& out) {
  for (const char* name : {"parameters", "input_schema"}) {
    const json* parameters = present(*function.object, name);
    if (parameters == nullptr) continue;
    if (!parameters->is_object()) return wrong_type(function.path + "." + name, "an object");
    out = ordered_json::parse(ordered_text(*parameters));
    if (!out.contains("type")) out["type"] = "object";
    return std::nullopt;
  }
  out = {{"type", "object"}, {"properties", ordered_json::object()}};
  return std::nullopt;
}

MaybeFault read_tool(const json& tool, const std::string& path, ordered_json& list) {
  Function function;
  if (auto bad = find_function(tool, path, function)) return bad;
  const json* name = present(*function.object, "name");
  if (name == nullptr) return missing(function.path + ".name");
  if (!name->is_string()) return wrong_type(function.path + ".name", "a string");
  const auto& text = name->get_ref<const std::string&>();
  if (!is_name(text)) {
    return fault(function.path + ".name",
                 "Invalid '" + function.path +
                     ".name': string does not match pattern. Expected a string that matches the "
                     "pattern '^[a-zA-Z0-9_.-]{1,128}$'.",
                 "invalid_value");
  }
  const json* description = present(*function.object, "description");
  if (description != nullptr && !description->is_string()) {
    return wrong_type(function.path + ".description", "a string");
  }
  ordered_json parameters;
  if (auto bad = read_parameters(function, parameters)) return bad;
  list.push_back({{"type", "function"},
                  {"function",
                   {{"name", text},
                    {"description", description ? description->get<std::string>() : ""},
                    {"parameters", std::move(parameters)}}}});
  return std::nullopt;
}

bool has_tool(const wire::ChatOptions& options, const std::string& name) {
  if (options.tools.empty()) return false;
  const json tools = json::parse(options.tools, nullptr, false);
  return std::ranges::any_of(tools,
                             [&name](const json& one) { return one["function"]["name"] == name; });
}

MaybeFault choose_named(const std::string& name, wire::ChatOptions& options) {
  if (!has_tool(options, name) || name == "auto" || name == "required") {
    return fault("tool_choice",
                 "Invalid value for 'tool_choice': there is no tool of the name '" +
                     name.substr(0, 64) + "' in 'tools'.",
                 "invalid_value");
  }
  options.tool_choice = name;
  return std::nullopt;
}

MaybeFault choose(const std::string& choice, wire::ChatOptions& options) {
  if (choice == "none") {
    options.tools.clear();
    options.tool_choice.clear();
  } else if (choice == "required" || choice == "any") {
    if (options.tools.empty()) {
      return fault("tool_choice", "'tool_choice' is only allowed when 'tools' are specified.");
    }
    options.tool_choice = "required";
  } else if (choice != "auto") {
    return wrong_value("tool_choice", choice, "'none', 'auto', and 'required'");
  }
  return std::nullopt;
}

// Arguments as the text of an object, whatever a client or a cut completion made of them.
std::string arguments_text(const json* arguments) {
  if (arguments == nullptr) return "{}";
  if (arguments->is_object()) return ordered_text(*arguments);
  if (!arguments->is_string()) return ordered_json{{"value", *arguments}}.dump();
  const auto& text = arguments->get_ref<const std::string&>();
  const auto parsed = ordered_json::parse(text, nullptr, false);
  if (parsed.is_object() && within_depth(text)) return text;
  return text.empty() ? "{}" : ordered_json{{"value", text}}.dump();
}

// Notes the order of every `properties` of `ordered` in `value`, which is the same but sorted.
void note_order(const ordered_json& ordered, json& value) {
  if (ordered.is_array()) {
    for (std::size_t at = 0; at < ordered.size(); ++at) note_order(ordered[at], value[at]);
  }
  if (!ordered.is_object()) return;
  for (const auto& [key, member] : ordered.items()) {
    if (key != "properties" || !member.is_object()) {
      note_order(member, value[key]);
      continue;
    }
    // One of the properties may have this name, too.
    json names = json::array();
    for (const auto& [name, schema] : member.items()) {
      note_order(schema, value[key][name]);
      names.push_back(name);
    }
    if (!value.contains(kOrder)) value[kOrder] = std::move(names);
  }
}

ordered_json in_order(const json& value) {
  if (value.is_array()) {
    ordered_json list = ordered_json::array();
    for (const json& one : value) list.push_back(in_order(one));
    return list;
  }
  if (!value.is_object()) return ordered_json::parse(value.dump());
  const auto order = value.find(kOrder);
  const auto properties = value.find("properties");
  const bool ordered = order != value.end() && order->is_array() && properties != value.end() &&
                       properties->is_object();
  ordered_json object = ordered_json::object();
  for (const auto& [key, member] : value.items()) {
    if (ordered && key == kOrder) continue;
    if (!ordered || key != "properties") {
      object[key] = in_order(member);
      continue;
    }
    ordered_json& sorted = object[key] = ordered_json::object();
    for (const json& name : *order) {
      if (!name.is_string()) continue;
      const auto found = member.find(name.get_ref<const std::string&>());
      if (found != member.end()) sorted[found.key()] = in_order(*found);
    }
    for (const auto& [name, one] : member.items()) {
      if (!sorted.contains(name)) sorted[name] = in_order(one);
    }
  }
  return object;
}

}  // namespace

std::string ordered_text(const json& value) { return in_order(value).dump(); }

Result<json> parse_ordered_object(std::string_view text) {
  SEL_TRY(value, parse_object(text));
  if (text.find("\"properties\"") == text.npos) return value;
  const auto ordered = ordered_json::parse(text.begin(), text.end(), nullptr, false);
  if (!ordered.is_object()) return value;
  for (const std::string_view name : kAsking) {
    const auto found = ordered.find(name);
    if (found != ordered.end()) note_order(*found, value[std::string(name)]);
  }
  return value;
}

MaybeFault read_tools(const json& tools, wire::ChatOptions& options) {
  if (!tools.is_array()) return wrong_type("tools", "an array of objects");
  if (tools.empty()) return std::nullopt;
  if (tools.size() > limits::tools_max) {
    return fault("tools",
                 "Invalid 'tools': array too long. Expected an array with maximum length " +
                     std::to_string(limits::tools_max) + ", but got an array with length " +
                     std::to_string(tools.size()) + " instead.",
                 "array_above_max_length");
  }
  ordered_json list = ordered_json::array();
  for (std::size_t at = 0; at < tools.size(); ++at) {
    if (auto bad = read_tool(tools[at], "tools[" + std::to_string(at) + "]", list)) return bad;
  }
  options.tools = list.dump();
  if (options.tools.size() > limits::tools_bytes_max) {
    return fault("tools",
                 "Invalid 'tools': too large, the limit is " +
                     std::to_string(limits::tools_bytes_max) + " bytes.",
                 "string_above_max_length");
  }
  return std::nullopt;
}

MaybeFault read_tool_choice(const json& choice, wire::ChatOptions& options) {
  if (choice.is_string()) return choose(choice.get<std::string>(), options);
  if (!choice.is_object()) return wrong_type("tool_choice", "one of a string or an object");
  const std::string type = type_of(choice);
  if (const json* parallel = present(choice, "disable_parallel_tool_use")) {
    options.parallel_tool_calls = *parallel != true;
  }
  if (type == "auto" || type == "any" || type == "none") return choose(type, options);
  if (type != "function" && type != "tool") {
    return wrong_value("tool_choice.type", type, "'function'");
  }
  const json* inner = present(choice, "function");
  const json* name = present(inner != nullptr && inner->is_object() ? *inner : choice, "name");
  const std::string path = inner != nullptr ? "tool_choice.function.name" : "tool_choice.name";
  if (name == nullptr) return missing(path);
  if (!name->is_string()) return wrong_type(path, "a string");
  return choose_named(name->get<std::string>(), options);
}

MaybeFault read_schema(const json& schema, const std::string& param, wire::ChatOptions& options) {
  json parsed;
  const json* object = &schema;
  if (schema.is_string()) {
    auto read = parse_json(schema.get_ref<const std::string&>());
    if (!read.ok()) return fault(param, "'" + param + "' is no JSON.", "invalid_value");
    parsed = std::move(read).value();
    object = &parsed;
  }
  if (!object->is_object()) return wrong_type(param, "an object");
  std::string text = ordered_text(*object);
  if (text.size() > limits::schema_bytes_max) {
    return fault(param,
                 "Invalid '" + param + "': too large, the limit is " +
                     std::to_string(limits::schema_bytes_max) + " bytes.",
                 "string_above_max_length");
  }
  // Any value, as far as the schema goes; asked for is an object.
  options.json_schema = text == "{}" ? R"({"type":"object"})" : std::move(text);
  return std::nullopt;
}

MaybeFault read_response_format(const json& format, wire::ChatOptions& options) {
  if (!format.is_object()) return wrong_type("response_format", "an object");
  if (format.empty()) return missing("response_format.type");
  const json* type = present(format, "type");
  const json* schema = present(format, "json_schema");
  const std::string named = type_of(format);
  if (type != nullptr && named == "text") return std::nullopt;
  if (named == "json_object" && schema == nullptr) {
    options.json_schema = R"({"type":"object"})";
    return std::nullopt;
  }
  // Anthropic's and Responses' have the schema in the format itself.
  if (schema == nullptr) schema = present(format, "schema");
  if (type == nullptr && schema == nullptr) return missing("response_format.type");
  if (type != nullptr && named != "json_schema" && named != "json_object") {
    return wrong_value("response_format.type", type->is_string() ? named : type->dump(),
                       "'text', 'json_object', and 'json_schema'");
  }
  if (schema == nullptr) return missing("response_format.json_schema");
  if (schema->is_object()) {
    // {"name","schema","strict"}; a schema of its own could have a member of this name only below
    // "properties".
    const json* inner = present(*schema, "schema");
    if (inner != nullptr && inner->is_object()) {
      return read_schema(*inner, "response_format.json_schema.schema", options);
    }
    if (schema->contains("name") && !schema->contains("type") && !schema->contains("properties")) {
      return missing("response_format.json_schema.schema");
    }
  }
  return read_schema(*schema, "response_format.json_schema", options);
}

MaybeFault read_template_values(const json* effort, const json* values,
                                wire::ChatOptions& options) {
  json all = json::object();
  if (values != nullptr) {
    if (!values->is_object()) return wrong_type("chat_template_kwargs", "an object");
    all = *values;
  }
  if (effort != nullptr) {
    if (!effort->is_string()) return wrong_type("reasoning_effort", "a string");
    const auto& text = effort->get_ref<const std::string&>();
    constexpr std::string_view kKnown[] = {"none", "minimal", "low", "medium", "high", "xhigh"};
    if (std::ranges::find(kKnown, text) == std::end(kKnown)) {
      return wrong_value("reasoning_effort", text,
                         "'none', 'minimal', 'low', 'medium', 'high', and 'xhigh'");
    }
    all["reasoning_effort"] = text;
    if (text == "none" && !all.contains("enable_thinking")) all["enable_thinking"] = false;
  }
  if (all.empty()) return std::nullopt;
  options.template_values = all.dump();
  if (options.template_values.size() > limits::schema_bytes_max) {
    return fault("chat_template_kwargs", "Invalid 'chat_template_kwargs': too large.",
                 "string_above_max_length");
  }
  return std::nullopt;
}

MaybeFault read_called_tools(const json& calls, const std::string& param, std::string& text) {
  if (!calls.is_array()) return wrong_type(param, "an array of objects");
  ordered_json list = ordered_json::array();
  for (std::size_t at = 0; at < calls.size(); ++at) {
    const std::string path = param + "[" + std::to_string(at) + "]";
    Function function;
    if (auto bad = find_function(calls[at], path, function)) return bad;
    const json* name = present(*function.object, "name");
    if (name == nullptr) return missing(function.path + ".name");
    if (!name->is_string()) return wrong_type(function.path + ".name", "a string");
    const json* id = present(calls[at], "id");
    if (id != nullptr && !id->is_string()) return wrong_type(path + ".id", "a string");
    list.push_back({{"id", id ? id->get<std::string>() : ""},
                    {"type", "function"},
                    {"function",
                     {{"name", *name},
                      {"arguments", arguments_text(present(*function.object, "arguments"))}}}});
  }
  if (!list.empty()) text = list.dump();
  return std::nullopt;
}

}  // namespace selvedge::api
