// Vectorize query: the options, the search, the matches.
#include "api/vectorize_query.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "api/json_reader.h"
#include "api/json_writer.h"
#include "api/query_body.h"
#include "api/vectorize_errors.h"
#include "api/vectorize_filter.h"
#include "api/vectorize_metadata_indexes.h"
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

Status parse_subject(QueryBody& body, Query& query) {
  const json* vector = present(body.fields, "vector");
  const json* vector_id = present(body.fields, "vectorId");
  if ((vector != nullptr || body.vector) && vector_id != nullptr) {
    return unparsable_body("vector and vectorId exclude each other");
  }
  if (vector != nullptr) return parse_vector(*vector, query);
  if (body.vector) {
    query.vector = *std::move(body.vector);
    return ok_status();
  }
  if (vector_id == nullptr) return unparsable_body("missing field `vector`");
  if (!vector_id->is_string()) return unparsable_body("vectorId: expected a string");
  query.vector_id = vector_id->get<std::string>();
  return check_id("id", *query.vector_id);
}

Status parse_top_k(const json& body, const Rules& rules, QueryForm form, Query& query) {
  const json* top_k = present(body, "topK");
  if (top_k == nullptr) return ok_status();
  const double number = top_k->is_number() ? top_k->get<double>() : NAN;
  if (!std::isfinite(number) || number != std::floor(number)) {
    return unparsable_body("topK: expected a whole number");
  }
  if (number < 1) return Error{Code::top_k_out_of_range, "min top K is 1"};
  // What is beyond every bound is told as the largest whole number that JSON surely carries.
  const auto count = static_cast<std::size_t>(std::min(number, 9'007'199'254'740'991.0));
  const bool full = query.options.with_values || query.metadata == ReturnMetadata::all;
  const std::size_t most = form == QueryForm::v1 ? rules.top_k_v1_max : rules.top_k_max;
  if (count > most) return top_k_too_large(count, most);
  if (full && count > rules.top_k_full_max) {
    return full_top_k_too_large(count, rules.top_k_full_max, most);
  }
  query.options.top_k = count;
  return ok_status();
}

// The hosted service takes no booleans, though the Workers binding sends `false` on.
Result<ReturnMetadata> parse_return_metadata(const json& body, bool booleans) {
  const json* value = present(body, "returnMetadata");
  if (value == nullptr) return ReturnMetadata::none;
  if (value->is_boolean() && booleans)
    return value->get<bool>() ? ReturnMetadata::all : ReturnMetadata::none;
  if (value->is_string()) {
    const auto& name = value->get_ref<const std::string&>();
    if (name == "none") return ReturnMetadata::none;
    if (name == "indexed") return ReturnMetadata::indexed;
    if (name == "all") return ReturnMetadata::all;
  }
  return unparsable_body("returnMetadata: expected value");
}

Result<bool> parse_flag(const json& body, const char* name) {
  const json* value = present(body, name);
  if (value == nullptr) return false;
  if (value->is_boolean()) return value->get<bool>();
  return unparsable_body(std::string(name) + ": expected a boolean");
}

Status parse_returns(const json& body, const Rules& rules, QueryForm form, Query& query) {
  SEL_TRY(values, parse_flag(body, "returnValues"));
  query.options.with_values = values;
  SEL_TRY(metadata, parse_return_metadata(body, form == QueryForm::v1 || !rules.hosted));
  query.metadata = metadata;
  if (form == QueryForm::v1) {
    SEL_TRY(vectors, parse_flag(body, "returnVectors"));
    if (vectors) query.options.with_values = true;
    if (vectors) query.metadata = ReturnMetadata::all;
  }
  query.options.with_metadata = query.metadata == ReturnMetadata::all;
  query.options.with_indexed = query.metadata == ReturnMetadata::indexed;
  return ok_status();
}

Status parse_conditions(const json& body, const Rules& rules, Query& query) {
  if (const json* partition = present(body, "namespace")) {
    if (!partition->is_string()) return unparsable_body("namespace: expected a string");
    query.options.partition = partition->get<std::string>();
    SEL_CHECK_OK(check_id("namespace", *query.options.partition));
  }
  const json* filter = present(body, "filter");
  if (filter == nullptr) return ok_status();
  SEL_TRY(parsed,
          parse_filter(*filter, rules.hosted ? FilterGrammar::hosted : FilterGrammar::ours));
  if (!parsed.empty()) query.options.filter = std::move(parsed);
  return ok_status();
}

// Ours; the hosted service passes over it, as over any property that it does not know.
Status parse_recall(const json& body, const Rules& rules, Query& query) {
  const json* recall = rules.hosted ? nullptr : present(body, "recall");
  if (recall == nullptr) return ok_status();
  const double share = recall->is_number() ? recall->get<double>() : NAN;
  if (!(share >= 0 && share <= 1)) {
    return unparsable_body("recall: expected a number from 0 to 1");
  }
  query.options.recall = static_cast<float>(share);
  return ok_status();
}

Result<Query> parse_query(std::string_view text, const Rules& rules, QueryForm form) {
  auto body = parse_query_body(text);
  if (!body.ok() || !body->fields.is_object()) return unparsable_body("expected an object");
  const json& fields = body->fields;
  Query query;
  SEL_CHECK_OK(parse_subject(*body, query));
  SEL_CHECK_OK(parse_returns(fields, rules, form, query));
  SEL_CHECK_OK(parse_top_k(fields, rules, form, query));
  SEL_CHECK_OK(parse_recall(fields, rules, query));
  SEL_CHECK_OK(parse_conditions(fields, rules, query));
  return query;
}

// For people who search for hours why nothing matches; empty when every property has an index. The
// hosted service gives none.
std::string advice_on(const Rules& rules, const vectors::Index& index, const Query& query) {
  if (rules.hosted || !query.options.filter) return {};
  const std::vector<vectors::MetadataIndex> indexes = index.metadata_indexes();
  for (const vectors::Condition* condition : vectors::conditions_of(*query.options.filter)) {
    const bool known = std::any_of(
        indexes.begin(), indexes.end(),
        [&](const vectors::MetadataIndex& each) { return each.property == condition->property; });
    if (!known) return unindexed_property(condition->property);
  }
  return {};
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
    json_text += ",\"metadata\":";
    append_indexed_metadata(json_text, match.indexed);
  }
  if (match.partition) {
    json_text += ",\"namespace\":";
    append_string(json_text, *match.partition);
  }
  json_text += '}';
}

std::string matches_json(const std::vector<vectors::Match>& matches, const Query& query) {
  std::string result = "{\"count\":";
  append_integer(result, matches.size());
  result += ",\"matches\":[";
  for (const vectors::Match& match : matches) {
    if (result.back() != '[') result += ',';
    append_match(result, match, query);
  }
  result += "]}";
  return result;
}

}  // namespace

Result<QueryAnswer> query_vectors(const IndexPath& path, std::string_view body, QueryForm form,
                                  std::optional<float> recall) {
  SEL_TRY(query, parse_query(body, path.rules, form));
  if (!query.options.recall) query.options.recall = recall;
  SEL_TRY(found, find_index(path));
  const vectors::Index& index = *found;
  if (query.vector_id) {
    SEL_TRY(values, values_of(index, *query.vector_id));
    query.vector = std::move(values);
  }
  const std::size_t dimensions = index.description().config.dimensions;
  if (query.vector.size() != dimensions) {
    return wrong_query_dimensions(dimensions, query.vector.size());
  }
  auto matches = index.query(query.vector, query.options);
  if (!matches.ok()) return reworded(std::move(matches.error()), path.name);
  book(path, index, 1);
  return QueryAnswer{matches_json(*matches, query), advice_on(path.rules, index, query)};
}

}  // namespace selvedge::api
