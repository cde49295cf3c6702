// Vectorize tuning: how well an index's queries are answered, and what it takes in memory. Ours:
// the hosted service shows neither. Every call blocks: run it on the pool.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/index_path.h"
#include "base/result.h"
#include "http/message.h"

namespace selvedge::api {

// Both: {"recall","measured":[{"recall","width","microseconds"}]}, `measured` by width; empty until
// there was something to measure. Errors: index_not_found, index_deleted, io, corrupt_data.
Result<std::string> index_recall(const IndexPath& path);
// `body` is {"recall"}, 0…1: what queries are answered with from now on that do not say their own.
// Errors also: query_invalid.
Result<std::string> set_index_recall(const IndexPath& path, std::string_view body);

// vectors::Internals as JSON, "loaded" (whether the index is in memory) and, while all its records
// are read, "readCount" and "toReadCount". Errors: index_not_found, index_deleted, io,
// corrupt_data.
Result<std::string> index_memory(const IndexPath& path);

// The request's header `selvedge-recall`: of a query whose body says none. Strict mode passes over
// it. Errors: query_invalid.
Result<std::optional<float>> recall_of(const http::Request& request, const Rules& rules);

}  // namespace selvedge::api
