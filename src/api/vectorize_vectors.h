// Vectorize vectors: insert, upsert, get and delete by ids. Every call blocks: run it on the pool.
#pragma once

#include <string>
#include <string_view>

#include "api/index_path.h"
#include "base/result.h"
#include "http/message.h"

namespace selvedge::api {

enum class WriteKind { insert, upsert };

// All return the JSON of `result`, without the door's envelope.

// The body is NDJSON, multipart/form-data with a part `vectors` or `body`, or JSON {vectors:[…]},
// by its content type (none = NDJSON); it is emptied. The query option `unparsable-behavior` is
// `error` (default: one bad line refuses the batch) or `discard`. -> {"mutationId"} Errors:
// unknown_content_type, index_not_found, index_deleted, query_invalid (the option), those of
// parse_vector_lines, io.
Result<std::string> write_vectors(const IndexPath& path, WriteKind kind, http::Request& request);

// `body` is {ids:[…]}. -> [{"id","namespace","metadata","values"}] of those that exist, in the
// order asked for. Errors: index_not_found, query_invalid, too_many_ids, id_invalid, io,
// corrupt_data.
Result<std::string> get_vectors(const IndexPath& path, std::string_view body);

// `body` is {ids:[…]}; unknown ids are no error. -> {"mutationId"}
// Errors: index_not_found, query_invalid, too_many_ids, id_invalid, io.
Result<std::string> delete_vectors(const IndexPath& path, std::string_view body);

// Legacy v1: as write_vectors and delete_vectors, with -> {"count","ids"} of the vectors that were
// stored or deleted: `insert` passes over known ids, `delete` over unknown ones.
Result<std::string> write_vectors_v1(const IndexPath& path, WriteKind kind, http::Request& request);
Result<std::string> delete_vectors_v1(const IndexPath& path, std::string_view body);

}  // namespace selvedge::api
