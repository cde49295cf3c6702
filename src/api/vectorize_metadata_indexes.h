// Vectorize metadata indexes: which properties filters may name. Every call blocks: run it on the
// pool.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "api/index_path.h"
#include "base/result.h"

namespace selvedge::api {

// All return the JSON of `result`, without the door's envelope. Errors of all: index_not_found,
// index_deleted, io. Source: docs/compatibility.md#metadata-indexes.

// `body` is {propertyName, indexType: "string"|"number"|"boolean"}; of a property that has an index
// the type is replaced. -> {"mutationId"} Errors: invalid_input, metadata_index_invalid,
// too_many_metadata_indexes.
Result<std::string> create_metadata_index(const IndexPath& path, std::string_view body);

// -> {"metadataIndexes":[{"propertyName","indexType"}]}, in the order of creation.
Result<std::string> list_metadata_indexes(const IndexPath& path);

// `body` is {propertyName}, or {property}, which the LangChain client sends. -> {"mutationId"}
// Errors: invalid_input, metadata_index_not_found.
Result<std::string> delete_metadata_index(const IndexPath& path, std::string_view body);

// Appends a match's indexed metadata as an object; dots of a property become nested objects.
void append_indexed_metadata(
    std::string& json, std::span<const std::pair<std::string, vectors::PropertyValue>> indexed);

}  // namespace selvedge::api
