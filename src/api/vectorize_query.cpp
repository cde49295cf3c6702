// Vectorize query: the options, the search, the matches.
#include "api/vectorize_query.h"

#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "api/json_reader.h"
#include "api/json_writer.h"
#include "api/vectorize_errors.h"
#include "base/limits.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

enum class ReturnMetadata { none, indexed, all };

struct Query {
  std::vector<float> vector;
  std::optional<std::string> vector_id;  // Instead of `vector`.
  vectors::QueryOptions options;
  ReturnMetadata metadata = ReturnMetadata::none;
};

// Null counts as absent.
const json* present(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

Status parse_vector(const json& vector, Query& query) {
  if (!vector.is_array()) return unparsable_body("vector: expected an array of numbers");
  query.vector.reserve(vector.size());
  for (const json& value : vector) {
    const auto number = value.is_number() ? static_cast<float>(value.get<double>()) : NAN;
    if (!std::isfinite(number)) return unparsable_body("vector: expected an array of numbers");
    query.vector.push_back(number);
  }
  return ok_status();
}

Status parse_subject(const json& body, Query& query) {
  const json* vector = present(body, "vector");
  const json* vector_id = present(body, "vectorId");
  if (vector != nullptr && vector_id != nullptr) {
    return unparsable_body("vector and vectorId exclude each other");
  }
  if (vector != nullptr) return parse_vector(*vector, query);
  if (vector_id == nullptr) return unparsable_body("missing field `vector`");
  if (!vector_id->is_string()) return unparsable_body("vectorId: expected a string");
  query.vector_id = vector_id->get<std::string>();
  return check_id("id", *query.vector_id);
}

Status parse_top_k(const json& body, Query& query) {
  const json* top_k = present(body, "topK");
  if (top_k == nullptr) return ok_status();
  const double number = top_k->is_number() ? top_k->get<double>() : NAN;
  if (!std::isfinite(number) || number != std::floor(number)) {
    return unparsable_body("topK: expected a whole number");
  }
  if (number < 1) return Error{Code::top_k_out_of_range, "min top K is 1"};
  if (number > static_cast<double>(limits::top_k_max)) {
    return Error{Code::top_k_out_of_range,
                 "max top K is " + std::to_string(limits::top_k_max) + ", but got more"};
  }
  query.options.top_k = static_cast<std::size_t>(number);
  return ok_status();
}

Result<ReturnMetadata> parse_return_metadata(const json& body) {
  const json* value = present(body, "returnMetadata");
  if (value == nullptr) return ReturnMetadata::none;
  if (value->is_boolean()) return value->get<bool>() ? ReturnMetadata::all : ReturnMetadata::none;
  if (value->is_string()) {
    const auto& name = value->get_ref<const std::string&>();
    if (name == "none") return ReturnMetadata::none;
    if (name == "indexed") return ReturnMetadata::indexed;
    if (name == "all") return ReturnMetadata::all;
  }
  return unparsable_body("returnMetadata: expected value");
}

Status parse_returns(const json& body, Query& query) {
  const json* values = present(body, "returnValues");
  if (values != nullptr && !values->is_boolean()) {
    return unparsable_body("returnValues: expected a boolean");
  }
  query.options.with_values = values != nullptr && values->get<bool>();
  SEL_TRY(metadata, parse_return_metadata(body));
  query.metadata = metadata;
  query.options.with_metadata = metadata == ReturnMetadata::all;
  return ok_status();
}

Status parse_conditions(const json& body, Query& query) {
  if (const json* partition = present(body, "namespace")) {
    if (!partition->is_string()) return unparsable_body("namespace: expected a string");
    query.options.partition = partition->get<std::string>();
    SEL_CHECK_OK(check_id("namespace", *query.options.partition));
  }
  const json* filter = present(body, "filter");
  if (filter == nullptr || (filter->is_object() && filter->empty())) return ok_status();
  // Ignored, it would give matches that the caller has excluded.
  return Error{Code::query_invalid, "metadata filters are not available yet"};
}

Result<Query> parse_query(std::string_view text) {
  auto body = parse_json(text);
  if (!body.ok() || !body->is_object()) return unparsable_body("expected an object");
  Query query;
  SEL_CHECK_OK(parse_subject(*body, query));
  SEL_CHECK_OK(parse_top_k(*body, query));
  SEL_CHECK_OK(parse_returns(*body, query));
  SEL_CHECK_OK(parse_conditions(*body, query));
  return query;
}

// The values of the stored vector that the query names.
Result<std::vector<float>> values_of(const vectors::Index& index, const std::string& id) {
  SEL_TRY(found, index.get({&id, 1}));
  if (found.empty()) {
    return Error{Code::vector_not_found, "no vector with the given vectorId exists"};
  }
  return std::move(found.front().values);
}

void append_match(std::string& json_text, const vectors::Match& match, const Query& query) {
  json_text += "{\"id\":";
  append_string(json_text, match.id);
  json_text += ",\"score\":";
  append_float(json_text, match.score);
  if (query.options.with_values) {
    json_text += ",\"values\":";
    append_floats(json_text, match.values);
  }
  if (query.metadata == ReturnMetadata::all && !match.metadata.empty()) {
    json_text += ",\"metadata\":";
    json_text += match.metadata;
  } else if (query.metadata == ReturnMetadata::indexed) {
    json_text += ",\"metadata\":{}";  // No property has an index.
  }
  if (match.partition) {
    json_text += ",\"namespace\":";
    append_string(json_text, *match.partition);
  }
  json_text += '}';
}

}  // namespace

Result<std::string> query_vectors(const IndexPath& path, std::string_view body) {
  SEL_TRY(query, parse_query(body));
  auto found = path.store.find(path.account, path.name);
  if (!found.ok()) return reworded(std::move(found.error()), path.name);
  const vectors::Index& index = **found;
  if (query.vector_id) {
    SEL_TRY(values, values_of(index, *query.vector_id));
    query.vector = std::move(values);
  }
  const std::size_t dimensions = index.description().config.dimensions;
  if (query.vector.size() != dimensions) {
    return wrong_query_dimensions(dimensions, query.vector.size());
  }
  auto searched = index.query(query.vector, query.options);
  if (!searched.ok()) return reworded(std::move(searched.error()), path.name);
  std::string result = "{\"count\":";
  append_integer(result, searched->size());
  result += ",\"matches\":[";
  for (const vectors::Match& match : *searched) {
    if (result.back() != '[') result += ',';
    append_match(result, match, query);
  }
  result += "]}";
  return result;
}

}  // namespace selvedge::api
