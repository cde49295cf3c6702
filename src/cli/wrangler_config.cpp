// Both forms become one JSON value, which is then read the same way.
#include "cli/wrangler_config.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>
#include <rapidjson/document.h>
#include <rapidjson/error/en.h>

#include "base/limits.h"

// Errors as values; the header alone, since the library of Debian is built with exceptions.
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

namespace selvedge::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kConfigBytesMax = 1024 * 1024;

Error syntax_error(std::string_view name, std::size_t line, std::size_t column,
                   std::string_view what) {
  return Error{Code::file_invalid, std::string(name) + ":" + std::to_string(line) + ":" +
                                       std::to_string(column) + ": " + std::string(what)};
}

Error shape_error(std::string_view name, const std::string& key, std::string_view what) {
  return Error{Code::file_invalid,
               std::string(name) + ": \"" + key + "\" is not " + std::string(what)};
}

// Dates and what lies deeper than any setting of wrangler become null.
json from_toml(const toml::node& node, std::size_t depth) {
  if (depth > limits::json_depth_max) return {};
  if (const auto* table = node.as_table()) {
    json object = json::object();
    for (const auto& [key, value] : *table) {
      object[std::string(key.str())] = from_toml(value, depth + 1);
    }
    return object;
  }
  if (const auto* list = node.as_array()) {
    json array = json::array();
    for (const auto& value : *list) array.push_back(from_toml(value, depth + 1));
    return array;
  }
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* truth = node.as_boolean()) return truth->get();
  return {};
}

// Of a key that stands twice the last counts, as in JavaScript.
json from_rapidjson(const rapidjson::Value& value, std::size_t depth) {
  if (depth > limits::json_depth_max) return {};
  if (value.IsObject()) {
    json object = json::object();
    for (const auto& member : value.GetObject()) {
      object[std::string(member.name.GetString(), member.name.GetStringLength())] =
          from_rapidjson(member.value, depth + 1);
    }
    return object;
  }
  if (value.IsArray()) {
    json array = json::array();
    for (const auto& element : value.GetArray()) {
      array.push_back(from_rapidjson(element, depth + 1));
    }
    return array;
  }
  if (value.IsString()) return std::string(value.GetString(), value.GetStringLength());
  if (value.IsBool()) return value.GetBool();
  if (value.IsNumber()) return value.GetDouble();
  return {};
}

Result<json> parse_toml(std::string_view text, std::string_view name) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const auto& at = parsed.error().source().begin;
    return syntax_error(name, at.line, at.column, parsed.error().description());
  }
  return from_toml(parsed.table(), 0);
}

Result<json> parse_jsonc(std::string_view text, std::string_view name) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  rapidjson::Document document;
  // Iterative: brackets without end cost memory, not stack.
  constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseCommentsFlag |
                              rapidjson::kParseTrailingCommasFlag |
                              rapidjson::kParseValidateEncodingFlag;
  document.Parse<kFlags>(text.data(), text.size());
  if (!document.HasParseError()) return from_rapidjson(document, 0);
  const std::string_view before = text.substr(0, std::min(document.GetErrorOffset(), text.size()));
  const auto line = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1;
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 = 0.
  return syntax_error(name, line, before.size() - line_start + 1,
                      rapidjson::GetParseError_En(document.GetParseError()));
}

Result<VectorizeBinding> read_binding(const json& value, std::string_view name,
                                      const std::string& key) {
  if (!value.is_object()) return shape_error(name, key, "a table");
  VectorizeBinding binding;
  for (auto [field, into] :
       {std::pair{"binding", &binding.binding}, std::pair{"index_name", &binding.index_name}}) {
    const auto found = value.find(field);
    if (found == value.end() || !found->is_string() || *found == "") {
      return shape_error(name, key + "." + field, "a text");
    }
    *into = found->get<std::string>();
  }
  return binding;
}

Status read_level(const json& level, std::string_view name, const std::string& key,
                  WranglerConfig& config) {
  if (!level.is_object()) return shape_error(name, key, "a table");
  const std::string prefix = key.empty() ? "" : key + ".";
  for (auto [field, into] :
       {std::pair{"main", &config.main}, std::pair{"account_id", &config.account_id}}) {
    const auto found = level.find(field);
    if (found == level.end()) continue;
    if (!found->is_string()) return shape_error(name, prefix + field, "a text");
    *into = found->get<std::string>();
  }
  config.vectorize.clear();
  const auto list = level.find("vectorize");
  if (list == level.end()) return ok_status();
  if (!list->is_array()) return shape_error(name, prefix + "vectorize", "a list of tables");
  for (std::size_t at = 0; at < list->size(); ++at) {
    SEL_TRY(binding,
            read_binding((*list)[at], name, prefix + "vectorize[" + std::to_string(at) + "]"));
    config.vectorize.push_back(std::move(binding));
  }
  return ok_status();
}

Result<WranglerConfig> read_config(const json& root, std::string_view name,
                                   std::string_view environment) {
  WranglerConfig config;
  if (!root.is_object()) return shape_error(name, "the whole", "an object");
  SEL_CHECK_OK(read_level(root, name, "", config));
  if (environment.empty()) return config;
  const auto environments = root.find("env");
  if (environments == root.end()) return config;
  if (!environments->is_object()) return shape_error(name, "env", "a table");
  const auto chosen = environments->find(std::string(environment));
  if (chosen == environments->end()) {
    return Error{Code::file_invalid,
                 std::string(name) + " has no environment \"" + std::string(environment) + "\""};
  }
  SEL_CHECK_OK(read_level(*chosen, name, "env." + std::string(environment), config));
  return config;
}

}  // namespace

std::optional<fs::path> find_wrangler_config(const fs::path& folder) {
  std::error_code ignored;
  const fs::path start = fs::absolute(folder, ignored).lexically_normal();
  for (const char* name : {"wrangler.json", "wrangler.jsonc", "wrangler.toml"}) {
    for (fs::path at = start;; at = at.parent_path()) {
      if (fs::is_regular_file(at / name, ignored)) return at / name;
      if (at == at.parent_path()) break;
    }
  }
  return std::nullopt;
}

Result<WranglerConfig> read_wrangler_config(const fs::path& file, std::string_view environment) {
  std::error_code error;
  if (!fs::is_regular_file(file, error)) {
    return Error{Code::not_found, "there is no file " + file.string()};
  }
  std::ifstream stream(file, std::ios::binary);
  std::string text(kConfigBytesMax + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream.is_open() || stream.bad()) {
    return Error{Code::io, "cannot read " + file.string()};
  }
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > kConfigBytesMax) {
    return Error{Code::file_invalid, file.string() + " is larger than 1 MiB"};
  }
  const ConfigForm form = file.extension() == ".toml" ? ConfigForm::toml : ConfigForm::json;
  return parse_wrangler_config(text, form, file.string(), environment);
}

Result<WranglerConfig> parse_wrangler_config(std::string_view text, ConfigForm form,
                                             std::string_view name, std::string_view environment) {
  SEL_TRY(root, form == ConfigForm::toml ? parse_toml(text, name) : parse_jsonc(text, name));
  return read_config(root, name, environment);
}

}  // namespace selvedge::cli
