// Preview routes: the REST calls by which wrangler opens a session for remote bindings.
#pragma once

#include "api/preview_sessions.h"
#include "api/router.h"

namespace selvedge::api {

// GET …/workers/subdomain, GET …/workers/subdomain/edge-preview, and POST …/edge-preview of a
// script, also under the older path of services. The uploaded Worker is never run: this server does
// what it would do, and keeps of the upload only which binding means which index.
// Source: docs/compatibility.md#preview-sessions. `sessions` outlives the router.
void add_preview_routes(Router& router, PreviewSessions& sessions);

}  // namespace selvedge::api
