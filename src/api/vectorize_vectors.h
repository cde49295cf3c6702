// Vectorize vectors: insert, upsert, get and delete by ids. Every call blocks: run it on the pool.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"
#include "vectors/store.h"

namespace selvedge::api {

enum class WriteKind { insert, upsert };

// One index of one account.
struct IndexPath {
  vectors::Store& store;
  std::string_view account;
  std::string_view name;
};

// All return the JSON of `result`, without the door's envelope.

// The body is NDJSON, multipart/form-data with a part `vectors` or `body`, or JSON {vectors:[…]},
// by its content type (none = NDJSON); it is emptied. The query option `unparsable-behavior` is
// `error` (default: one bad line refuses the batch) or `discard`. -> {"mutationId"} Errors:
// unknown_content_type, index_not_found, query_invalid (the option), those of parse_vector_lines,
// io.
Result<std::string> write_vectors(const IndexPath& path, WriteKind kind, http::Request& request);

// `body` is {ids:[…]}. -> [{"id","namespace","metadata","values"}] of those that exist, in the
// order asked for. Errors: index_not_found, query_invalid, too_many_ids, id_invalid, io,
// corrupt_data.
Result<std::string> get_vectors(const IndexPath& path, std::string_view body);

// `body` is {ids:[…]}; unknown ids are no error. -> {"mutationId"}
// Errors: index_not_found, query_invalid, too_many_ids, id_invalid, io.
Result<std::string> delete_vectors(const IndexPath& path, std::string_view body);

}  // namespace selvedge::api
