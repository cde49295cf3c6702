// Vectorize query: from JSON to the nearest vectors, and their JSON. It blocks: run it on the pool.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/index_path.h"
#include "base/result.h"

namespace selvedge::api {

// `v1` also takes `returnVectors`, which stands for returnValues and returnMetadata "all".
enum class QueryForm { v2, v1 };

struct QueryAnswer {
  std::string json;    // The `result`, without the door's envelope.
  std::string advice;  // Why nothing could match, for people; mostly empty.
};

// `body` is {vector | vectorId, topK=5, returnValues=false, returnMetadata="none"|"indexed"|"all"
// or a boolean, namespace?, filter?, recall?}; `recall` stands in for the body's. ->
// {"count","matches":[{"id","score","values"?,"metadata"?, "namespace"?}]}. A filter on a property
// without metadata index matches nothing. Errors: index_not_found, index_deleted, query_invalid,
// query_dimension_mismatch, top_k_out_of_range, id_invalid, vector_not_found (vectorId), io,
// corrupt_data. Source: docs/compatibility.md#query.
Result<QueryAnswer> query_vectors(const IndexPath& path, std::string_view body,
                                  QueryForm form = QueryForm::v2,
                                  std::optional<float> recall = std::nullopt);

}  // namespace selvedge::api
