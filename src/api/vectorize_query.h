// Vectorize query: from JSON to the nearest vectors, and their JSON. It blocks: run it on the pool.
#pragma once

#include <string>
#include <string_view>

#include "api/vectorize_vectors.h"
#include "base/result.h"

namespace selvedge::api {

// `body` is {vector | vectorId, topK=5, returnValues=false, returnMetadata="none"|"indexed"|"all"
// or a boolean, namespace?}. -> {"count","matches":[{"id","score","values"?,"metadata"?,
// "namespace"?}]}, without the door's envelope.
// Errors: index_not_found, query_invalid, query_dimension_mismatch, top_k_out_of_range, id_invalid,
// vector_not_found (vectorId), io, corrupt_data. Source: docs/compatibility.md#query.
Result<std::string> query_vectors(const IndexPath& path, std::string_view body);

}  // namespace selvedge::api
