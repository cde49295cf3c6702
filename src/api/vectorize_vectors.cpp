// Vectorize vectors: writes in three encodings, and calls by ids.
#include "api/vectorize_vectors.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "api/json_reader.h"
#include "api/json_writer.h"
#include "api/multipart.h"
#include "api/vector_lines.h"
#include "api/vectorize_errors.h"
#include "api/vectorize_indexes.h"
#include "base/limits.h"

namespace selvedge::api {
namespace {

enum class Encoding { lines, object };

struct Payload {
  Encoding encoding = Encoding::lines;
  std::string_view text;
};

bool is_lines_type(std::string_view type) {
  return type.empty() || type == "application/x-ndjson" || type == "application/ndjson" ||
         type == "application/jsonl" || type == "application/octet-stream";
}

Error unknown_content_type() {
  return Error{Code::unknown_content_type, "vectorize.unknown_content_type"};
}

// The part that clients put the vectors in: wrangler says `vectors`, old generated clients `body`.
Result<Payload> payload_of_parts(const http::Request& request) {
  SEL_TRY(parts, parse_multipart(request.headers.get("content-type"), request.body));
  for (const MultipartPart& part : parts) {
    if (part.name != "vectors" && part.name != "body") continue;
    const bool object = part.content_type == "application/json";
    return Payload{object ? Encoding::object : Encoding::lines, part.content};
  }
  return Error{Code::missing_body, "multipart body: no part is named \"vectors\""};
}

// cloudflare-python (src/cloudflare/_base_client.py) sends bytes under its default type, JSON, also
// where they are lines. Lines begin with a vector's property, an object with "vectors".
bool begins_with_vector(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  for (const char wanted : {'{', '"'}) {
    text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
    if (!text.starts_with(wanted)) return false;
    text.remove_prefix(1);
  }
  const std::string_view key = text.substr(0, text.find('"'));
  return key == "id" || key == "values" || key == "metadata" || key == "namespace";
}

Result<Payload> payload_of(http::Request& request) {
  request.body.reserve(request.body.size() + kVectorLinesPadding);
  const std::string type = request.content_type();
  if (type == "multipart/form-data") return payload_of_parts(request);
  if (type == "application/json") {
    const bool lines = begins_with_vector(request.body);
    return Payload{lines ? Encoding::lines : Encoding::object, request.body};
  }
  if (is_lines_type(type)) return Payload{Encoding::lines, request.body};
  return unknown_content_type();
}

Result<bool> discards_unparsable(const http::Request& request) {
  const auto behaviour = request.query_value("unparsable-behavior");
  if (!behaviour || *behaviour == "error") return false;
  if (*behaviour == "discard") return true;
  return Error{Code::query_invalid, "unparsable-behavior must be one of: error, discard"};
}

Result<std::shared_ptr<vectors::Index>> find_index(const IndexPath& path) {
  auto found = path.store.find(path.account, path.name);
  if (!found.ok()) return reworded(std::move(found.error()), path.name);
  return found;
}

Result<std::string> mutation_result(const vectors::Index& index, std::string_view name,
                                    Result<vectors::MutationNumber> written) {
  if (!written.ok()) return reworded(std::move(written.error()), name);
  std::string result = "{\"mutationId\":";
  append_string(result, mutation_id(index.description(), *written));
  result += '}';
  return result;
}

Result<std::vector<std::string>> parse_ids(std::string_view body) {
  auto parsed = parse_json(body);
  if (!parsed.ok() || !parsed->is_object()) return unparsable_body("expected an object");
  const auto ids = parsed->find("ids");
  if (ids == parsed->end()) return unparsable_body("missing field `ids`");
  if (!ids->is_array()) return unparsable_body("ids: expected an array of strings");
  if (ids->size() > limits::ids_per_call_max) return too_many_ids(ids->size());
  std::vector<std::string> list;
  list.reserve(ids->size());
  for (const auto& id : *ids) {
    if (!id.is_string()) return unparsable_body("ids: expected an array of strings");
    SEL_CHECK_OK(check_id("id", id.get_ref<const std::string&>()));
    list.push_back(id.get<std::string>());
  }
  return list;
}

void append_vector(std::string& json, const vectors::StoredVector& vector) {
  json += "{\"id\":";
  append_string(json, vector.id);
  json += ",\"namespace\":";
  if (vector.partition) {
    append_string(json, *vector.partition);
  } else {
    json += "null";
  }
  json += ",\"metadata\":";
  json += vector.metadata.empty() ? "null" : vector.metadata;
  json += ",\"values\":";
  append_floats(json, vector.values);
  json += '}';
}

}  // namespace

Result<std::string> write_vectors(const IndexPath& path, WriteKind kind, http::Request& request) {
  SEL_TRY(discard, discards_unparsable(request));
  SEL_TRY(payload, payload_of(request));
  SEL_TRY(index, find_index(path));
  VectorLinesOptions options;
  options.operation = kind == WriteKind::insert ? "insert" : "upsert";
  options.dimensions = index->description().config.dimensions;
  options.discard_unparsable = discard;
  auto parsed = payload.encoding == Encoding::lines ? parse_vector_lines(payload.text, options)
                                                    : parse_vector_object(payload.text, options);
  SEL_TRY(batch, std::move(parsed));
  if (batch.ids.empty() && !discard) return unparsable_vectors(options.operation, 0);
  request.body = std::string();  // The batch holds all: 100 MB less while it is written.
  auto written = kind == WriteKind::insert ? index->insert(batch) : index->upsert(batch);
  return mutation_result(*index, path.name, std::move(written));
}

Result<std::string> get_vectors(const IndexPath& path, std::string_view body) {
  SEL_TRY(ids, parse_ids(body));
  SEL_TRY(index, find_index(path));
  SEL_TRY(vectors, index->get(ids));
  std::string result = "[";
  for (const vectors::StoredVector& vector : vectors) {
    if (result.size() > 1) result += ',';
    append_vector(result, vector);
  }
  result += ']';
  return result;
}

Result<std::string> delete_vectors(const IndexPath& path, std::string_view body) {
  SEL_TRY(ids, parse_ids(body));
  SEL_TRY(index, find_index(path));
  auto erased = index->erase(ids);
  return mutation_result(*index, path.name, std::move(erased));
}

}  // namespace selvedge::api
