// Vectorize indexes: definitions in and out.
#include "api/vectorize_indexes.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/json_reader.h"
#include "api/json_writer.h"
#include "api/vectorize_errors.h"
#include "base/limits.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

struct Preset {
  std::string_view name;
  std::uint32_t dimensions;
};
// Names and sizes are Cloudflare's. It does not publish their metrics; all of these models are made
// for cosine.
constexpr Preset kPresets[] = {
    {"@cf/baai/bge-small-en-v1.5", 384},     {"@cf/baai/bge-base-en-v1.5", 768},
    {"@cf/baai/bge-large-en-v1.5", 1024},    {"openai/text-embedding-ada-002", 1536},
    {"cohere/embed-multilingual-v2.0", 768},
};

std::string_view metric_name(vectors::Metric metric) {
  switch (metric) {
    case vectors::Metric::euclidean:
      return "euclidean";
    case vectors::Metric::dot_product:
      return "dot-product";
    default:
      return "cosine";
  }
}

Result<vectors::Metric> parse_metric(const json& config) {
  const auto metric = config.find("metric");
  if (metric != config.end() && metric->is_string()) {
    const auto& name = metric->get_ref<const std::string&>();
    for (const auto known :
         {vectors::Metric::cosine, vectors::Metric::euclidean, vectors::Metric::dot_product}) {
      if (name == metric_name(known)) return known;
    }
  }
  return invalid_config("Metric must be one of: cosine, euclidean, dot-product");
}

Result<std::uint32_t> parse_dimensions(const json& config, const Rules& rules) {
  const auto dimensions = config.find("dimensions");
  if (dimensions != config.end() && dimensions->is_number()) {
    const double number = dimensions->get<double>();
    if (number == std::floor(number) && number >= rules.dimensions_min &&
        number <= rules.dimensions_max) {
      return static_cast<std::uint32_t>(number);
    }
  }
  return invalid_config("Dimensions must be in range: [" + std::to_string(rules.dimensions_min) +
                        ", " + std::to_string(rules.dimensions_max) + "]");
}

Result<vectors::IndexConfig> parse_config(const json& body, const Rules& rules) {
  const auto found = body.find("config");
  if (found == body.end() || !found->is_object()) return invalid_config("Config must be provided");
  vectors::IndexConfig config;
  const auto preset = found->find("preset");
  if (preset == found->end() || preset->is_null()) {
    SEL_TRY(dimensions, parse_dimensions(*found, rules));
    SEL_TRY(metric, parse_metric(*found));
    config.dimensions = dimensions;
    config.metric = metric;
    return config;
  }
  if (preset->is_string()) {
    const auto& name = preset->get_ref<const std::string&>();
    const auto known = std::find_if(std::begin(kPresets), std::end(kPresets),
                                    [&](const Preset& each) { return each.name == name; });
    if (known != std::end(kPresets)) {
      config.preset = name;
      config.dimensions = known->dimensions;
      return config;
    }
  }
  return invalid_config("Unknown preset");
}

// What is known of the hosted service's names: neither capitals nor a digit in front are taken
// (cloudflare-docs pull request 11529), and '_' is (mastra, whose tests run against it).
Status check_plain_name(std::string_view name) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const bool plain = std::ranges::all_of(
      name, [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_'; });
  if (plain && !name.empty() && letter(name.front()) &&
      name.size() <= limits::index_name_bytes_max) {
    return ok_status();
  }
  return invalid_config("Index name must be 1 to " + std::to_string(limits::index_name_bytes_max) +
                        " lowercase letters, digits, '-' and '_', and begin with a letter");
}

// What cannot stand in a path segment is refused.
Status check_name(std::string_view name) {
  const bool writable = std::none_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x21 || c == 0x7f || c == '/' || c == '\\' || c == '"';
  });
  const bool dots = name == "." || name == "..";
  if (name.empty() || name.size() > limits::index_name_bytes_max || !writable || dots) {
    return invalid_config("Index name must be 1 to " +
                          std::to_string(limits::index_name_bytes_max) +
                          " bytes without spaces, slashes, quotes and control characters");
  }
  return ok_status();
}

Result<std::string> parse_description(const json& body) {
  const auto description = body.find("description");
  if (description == body.end() || description->is_null()) return std::string();
  if (!description->is_string()) return invalid_body_payload();
  if (description->get_ref<const std::string&>().size() > limits::description_bytes_max) {
    return invalid_config("Description must be at most " +
                          std::to_string(limits::description_bytes_max) + " bytes");
  }
  return description->get<std::string>();
}

void append_index(std::string& json_text, const vectors::IndexDescription& index) {
  json_text += "{\"name\":";
  append_string(json_text, index.name);
  json_text += ",\"description\":";
  append_string(json_text, index.description);
  json_text += ",\"config\":";
  append_config(json_text, index.config);
  json_text += ",\"created_on\":";
  append_time(json_text, index.created_us);
  json_text += ",\"modified_on\":";
  append_time(json_text, index.modified_us);
  json_text += '}';
}

}  // namespace

void append_config(std::string& json_text, const vectors::IndexConfig& config) {
  json_text += "{\"dimensions\":";
  append_integer(json_text, config.dimensions);
  json_text += ",\"metric\":\"";
  json_text += metric_name(config.metric);
  json_text += "\"}";
}

Result<std::string> create_index(vectors::Store& store, const Rules& rules,
                                 std::string_view account, std::string_view body) {
  auto parsed = parse_json(body);
  if (!parsed.ok() || !parsed->is_object()) return invalid_body_payload();
  const auto name_value = parsed->find("name");
  if (name_value == parsed->end() || !name_value->is_string()) return invalid_body_payload();
  const auto& name = name_value->get_ref<const std::string&>();
  SEL_CHECK_OK(rules.index_names_plain ? check_plain_name(name) : check_name(name));
  SEL_TRY(description, parse_description(*parsed));
  SEL_TRY(config, parse_config(*parsed, rules));
  if (store.list(account).size() >= rules.indexes_per_account_max) {
    return invalid_config("An account holds at most " +
                          std::to_string(rules.indexes_per_account_max) + " indexes");
  }
  auto created = store.create(account, name, description, config);
  if (!created.ok()) return reworded(std::move(created.error()), name);
  std::string result;
  append_index(result, *created);
  return result;
}

Result<std::string> list_indexes(vectors::Store& store, std::string_view account) {
  std::string result = "[";
  for (const vectors::IndexDescription& index : store.list(account)) {
    if (result.size() > 1) result += ',';
    append_index(result, index);
  }
  result += ']';
  return result;
}

Result<std::string> get_index(const IndexPath& path) {
  SEL_TRY(status, index_status(path));
  std::string result;
  append_index(result, status.description);
  return result;
}

Result<std::string> delete_index(const IndexPath& path) {
  auto dropped = path.store.drop(path.account, path.name);
  if (!dropped.ok()) return reworded(std::move(dropped.error()), path.name);
  return std::string("null");
}

Result<std::string> describe_index(const IndexPath& path, std::string_view body) {
  auto parsed = parse_json(body);
  if (!parsed.ok() || !parsed->is_object()) return invalid_body_payload();
  const auto given = parsed->find("description");
  if (given == parsed->end() || !given->is_string()) return invalid_body_payload();
  SEL_TRY(description, parse_description(*parsed));
  auto described = path.store.describe(path.account, path.name, description);
  if (!described.ok()) return reworded(std::move(described.error()), path.name);
  std::string result;
  append_index(result, *described);
  return result;
}

Result<std::string> index_info(const IndexPath& path) {
  SEL_TRY(status, index_status(path));
  const vectors::IndexStats& stats = status.stats;
  std::string result = "{\"dimensions\":";
  append_integer(result, status.description.config.dimensions);
  result += ",\"vectorCount\":";
  append_integer(result, stats.vector_count);
  result += ",\"processedUpToDatetime\":";
  if (stats.mutation == 0) {
    result += "null,\"processedUpToMutation\":null}";
    return result;
  }
  append_time_ms(result, stats.mutation_us);
  result += ",\"processedUpToMutation\":";
  append_string(result, mutation_id(status.description, stats.mutation));
  result += '}';
  return result;
}

}  // namespace selvedge::api
