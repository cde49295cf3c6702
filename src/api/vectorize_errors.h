// Vectorize errors: Cloudflare's wording, which clients search for, in one place.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace selvedge::api {

// Sources: docs/compatibility.md#errors.
Error index_not_found(std::string_view name);
Error index_deleted(std::string_view name);
Error duplicate_index(std::string_view name);
Error invalid_config(std::string_view reason);
Error invalid_body_payload();
// "Failed to parse the request body as JSON: <reason>"
Error unparsable_body(std::string_view reason);
// "failed to parse upsert vectors request in json format (line 3)"; line 0 = not a line's fault.
Error unparsable_vectors(std::string_view operation, std::size_t line);
Error id_too_long(std::string_view what, std::size_t bytes);
Error too_many_ids(std::size_t count, std::size_t count_max);
// topK above what is allowed; `full`: above what is allowed with values or all metadata.
Error top_k_too_large(std::size_t top_k, std::size_t top_k_max);
Error full_top_k_too_large(std::size_t top_k, std::size_t full_max, std::size_t top_k_max);
Error wrong_query_dimensions(std::size_t expected, std::size_t sent);
Error wrong_dimensions(std::string_view id, std::size_t expected, std::size_t sent);
Error oversized_metadata(std::string_view id, std::size_t bytes);
Error invalid_metadata_key(std::string_view id);
// An index that is full of `what` ("vectors", "namespaces").
Error too_many_in_index(std::string_view what, std::size_t most);
// A property that no metadata index can have.
Error invalid_property();
// What a query is told whose filter names `property`, which has no metadata index.
std::string unindexed_property(std::string_view property);

// What the store said, in the client's words: a missing, deleted or duplicate `name` gets
// Cloudflare's text.
Error reworded(Error error, std::string_view name);

// Ids and namespaces: 1 to 64 bytes. `what` is "id" or "namespace". Errors: id_invalid.
Status check_id(std::string_view what, std::string_view id);

}  // namespace selvedge::api
