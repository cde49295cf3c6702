// Vectorize listing: the ids of an index, page by page. It blocks: run it on the pool.
#pragma once

#include <string>

#include "api/index_path.h"
#include "base/result.h"
#include "http/message.h"

namespace selvedge::api {

// Query options: `count`, 1 to 1000, default 100; `cursor`, the `nextCursor` of the page before.
// -> {"count","totalCount","isTruncated","nextCursor","cursorExpirationTimestamp",
// "vectors":[{"id"}]}, without the door's envelope; the cursor and its time are null on the last
// page. What is listed was fixed by the first page.
// Errors: index_not_found, index_deleted, query_invalid, cursor_invalid, io, corrupt_data.
// Source: docs/compatibility.md#list.
Result<std::string> list_vectors(const IndexPath& path, const http::Request& request);

}  // namespace selvedge::api
