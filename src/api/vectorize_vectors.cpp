// Vectorize vectors: writes in three encodings, and calls by ids.
#include "api/vectorize_vectors.h"

#include <algorithm>
#include <functional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "api/json_reader.h"
#include "api/json_writer.h"
#include "api/multipart.h"
#include "api/vector_lines.h"
#include "api/vectorize_errors.h"

namespace selvedge::api {
namespace {

enum class Encoding { lines, object };

struct Payload {
  Encoding encoding = Encoding::lines;
  std::string_view text;
};

bool is_lines_type(std::string_view type, const Rules& rules) {
  if (rules.hosted) return type == "application/x-ndjson";
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

Result<Payload> payload_of(const IndexPath& path, http::Request& request) {
  request.body.reserve(request.body.size() + kVectorLinesPadding);
  const std::string type = request.content_type();
  if (type == "multipart/form-data") return payload_of_parts(request);
  // The hosted service takes JSON from a Worker's binding alone.
  if (type == "application/json" && !(path.rules.hosted && path.door == VectorizeDoor::rest)) {
    const bool lines = begins_with_vector(request.body);
    return Payload{lines ? Encoding::lines : Encoding::object, request.body};
  }
  if (is_lines_type(type, path.rules)) return Payload{Encoding::lines, request.body};
  return unknown_content_type();
}

Result<bool> discards_unparsable(const http::Request& request) {
  const auto behaviour = request.query_value("unparsable-behavior");
  if (!behaviour || *behaviour == "error") return false;
  if (*behaviour == "discard") return true;
  return Error{Code::query_invalid, "unparsable-behavior must be one of: error, discard"};
}

Result<std::vector<std::string>> parse_ids(std::string_view body, std::size_t count_max) {
  auto parsed = parse_json(body);
  if (!parsed.ok() || !parsed->is_object()) return unparsable_body("expected an object");
  const auto ids = parsed->find("ids");
  if (ids == parsed->end()) return unparsable_body("missing field `ids`");
  if (!ids->is_array()) return unparsable_body("ids: expected an array of strings");
  if (ids->size() > count_max) return too_many_ids(ids->size(), count_max);
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

// A write that was read whole, and the index it is for.
struct Write {
  std::shared_ptr<vectors::Index> index;
  vectors::VectorBatch batch;
};

// Which of `ids` exist; in steps, since the store reads values along with them.
Result<std::set<std::string, std::less<>>> known_ids(const vectors::Index& index,
                                                     std::span<const std::string> ids) {
  constexpr std::size_t kStep = 1'000;
  std::set<std::string, std::less<>> known;
  while (!ids.empty()) {
    const auto step = ids.first(std::min(kStep, ids.size()));
    SEL_TRY(found, index.get(step));
    for (vectors::StoredVector& vector : found) known.insert(std::move(vector.id));
    ids = ids.subspan(step.size());
  }
  return known;
}

// How many vectors `batch` adds: its ids that are new, each once.
Result<std::size_t> added_by(const vectors::Index& index, const vectors::VectorBatch& batch) {
  SEL_TRY(known, known_ids(index, batch.ids));
  const std::set<std::string_view> ids(batch.ids.begin(), batch.ids.end());
  return ids.size() - known.size();
}

// Errors: index_full.
Status check_room(const Rules& rules, const vectors::Index& index,
                  const vectors::VectorBatch& batch) {
  const std::size_t most = rules.vectors_per_index_max;
  const std::uint64_t count = index.stats().vector_count;
  // Ids are looked up only where it may matter.
  if (count + batch.ids.size() > most) {
    SEL_TRY(added, added_by(index, batch));
    if (added > 0 && count + added > most) return too_many_in_index("vectors", most);
  }
  const std::size_t namespaces_max = rules.namespaces_per_index_max;
  if (index.partitions_with(batch.partitions, namespaces_max) > namespaces_max) {
    return too_many_in_index("namespaces", namespaces_max);
  }
  return ok_status();
}

Result<Write> parse_write(const IndexPath& path, WriteKind kind, http::Request& request) {
  SEL_TRY(discard, discards_unparsable(request));
  SEL_TRY(payload, payload_of(path, request));
  SEL_TRY(index, find_index(path));
  VectorLinesOptions options;
  options.operation = kind == WriteKind::insert ? "insert" : "upsert";
  options.dimensions = index->description().config.dimensions;
  options.discard_unparsable = discard;
  options.vectors_max = path.door == VectorizeDoor::binding
                            ? path.rules.binding_vectors_per_write_max
                            : path.rules.vectors_per_write_max;
  auto parsed = payload.encoding == Encoding::lines ? parse_vector_lines(payload.text, options)
                                                    : parse_vector_object(payload.text, options);
  SEL_TRY(batch, std::move(parsed));
  if (batch.ids.empty() && !discard) return unparsable_vectors(options.operation, 0);
  SEL_CHECK_OK(check_room(path.rules, *index, batch));
  request.body = std::string();  // The batch holds all: 100 MB less while it is written.
  return Write{std::move(index), std::move(batch)};
}

Result<vectors::MutationNumber> apply(WriteKind kind, const Write& write) {
  return kind == WriteKind::insert ? write.index->insert(write.batch)
                                   : write.index->upsert(write.batch);
}

// {"count","ids"}: each id once, in the order of the call; only those whose being in `known` is
// `wanted`.
std::string changed_ids(std::span<const std::string> ids,
                        const std::set<std::string, std::less<>>& known, bool wanted) {
  std::set<std::string_view> told;
  std::string list = "[";
  for (const std::string& id : ids) {
    if (known.contains(id) != wanted || !told.insert(id).second) continue;
    if (list.size() > 1) list += ',';
    append_string(list, id);
  }
  std::string result = "{\"count\":";
  append_integer(result, told.size());
  result += ",\"ids\":" + list + "]}";
  return result;
}

}  // namespace

Result<std::string> write_vectors(const IndexPath& path, WriteKind kind, http::Request& request) {
  SEL_TRY(write, parse_write(path, kind, request));
  return mutation_result(path, *write.index, apply(kind, write));
}

Result<std::string> write_vectors_v1(const IndexPath& path, WriteKind kind,
                                     http::Request& request) {
  SEL_TRY(write, parse_write(path, kind, request));
  std::set<std::string, std::less<>> passed_over;
  if (kind == WriteKind::insert) {
    SEL_TRY(known, known_ids(*write.index, write.batch.ids));
    passed_over = std::move(known);
  }
  auto written = apply(kind, write);
  if (!written.ok()) return reworded(std::move(written.error()), path.name);
  return changed_ids(write.batch.ids, passed_over, false);
}

Result<std::string> get_vectors(const IndexPath& path, std::string_view body) {
  SEL_TRY(ids, parse_ids(body, path.rules.get_ids_max));
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
  SEL_TRY(ids, parse_ids(body, path.rules.delete_ids_max));
  SEL_TRY(index, find_index(path));
  return mutation_result(path, *index, index->erase(ids));
}

Result<std::string> delete_vectors_v1(const IndexPath& path, std::string_view body) {
  SEL_TRY(ids, parse_ids(body, path.rules.delete_ids_max));
  SEL_TRY(index, find_index(path));
  SEL_TRY(known, known_ids(*index, ids));
  auto erased = index->erase(ids);
  if (!erased.ok()) return reworded(std::move(erased.error()), path.name);
  return changed_ids(ids, known, true);
}

}  // namespace selvedge::api
