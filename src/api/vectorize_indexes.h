// Vectorize indexes: create, list, get, describe, delete, info. Every call blocks: run it on the
// pool.
#pragma once

#include <string>
#include <string_view>

#include "api/index_path.h"
#include "base/result.h"
#include "vectors/store.h"

namespace selvedge::api {

// All return the JSON of `result`, without the door's envelope. Errors carry Cloudflare's wording.
// Source: docs/compatibility.md#vectorize.

// `body` is {name, description?, config: {dimensions, metric} | {preset}}. Errors: invalid_input,
// index_config_invalid, index_already_exists, io.
Result<std::string> create_index(vectors::Store& store, const Rules& rules,
                                 std::string_view account, std::string_view body);
Result<std::string> list_indexes(vectors::Store& store, std::string_view account);
// Errors of all below: index_not_found, index_deleted, io, corrupt_data.
Result<std::string> get_index(const IndexPath& path);
Result<std::string> delete_index(const IndexPath& path);
// Legacy v1: `body` is {description}. Errors also: invalid_input, index_config_invalid.
Result<std::string> describe_index(const IndexPath& path, std::string_view body);
// {dimensions, vectorCount, processedUpToDatetime, processedUpToMutation}; the last two are null
// before the first write; changes of metadata indexes count as writes.
Result<std::string> index_info(const IndexPath& path);

// Appends {"dimensions","metric"}.
void append_config(std::string& json_text, const vectors::IndexConfig& config);

}  // namespace selvedge::api
