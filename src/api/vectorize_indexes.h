// Vectorize indexes: create, list, get, delete, info. Every call blocks: run it on the pool.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "vectors/store.h"

namespace selvedge::api {

// All return the JSON of `result`, without the door's envelope. Errors carry Cloudflare's wording.
// Source: docs/compatibility.md#vectorize.

// `body` is {name, description?, config: {dimensions, metric} | {preset}}. Errors: invalid_input,
// index_config_invalid, index_already_exists, io.
Result<std::string> create_index(vectors::Store& store, std::string_view account,
                                 std::string_view body);
Result<std::string> list_indexes(vectors::Store& store, std::string_view account);
// Errors of all below: index_not_found, io, corrupt_data.
Result<std::string> get_index(vectors::Store& store, std::string_view account,
                              std::string_view name);
Result<std::string> delete_index(vectors::Store& store, std::string_view account,
                                 std::string_view name);
// {dimensions, vectorCount, processedUpToDatetime, processedUpToMutation}; the last two are null
// before the first write.
Result<std::string> index_info(vectors::Store& store, std::string_view account,
                               std::string_view name);

// The UUID by which the wire calls a mutation.
std::string mutation_id(const vectors::IndexDescription& index, vectors::MutationNumber number);

}  // namespace selvedge::api
