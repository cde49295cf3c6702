// Models search: the catalogue as Cloudflare's API lists it.
#pragma once

#include "catalog/catalog.h"
#include "http/message.h"

namespace selvedge::api {

// GET …/ai/models/search with `search`, `task`, `author`, `page`, `per_page`. Deprecated models are
// listed too: they are served here. Numbers that are no numbers count as absent.
http::Response models_search(const catalog::Catalog& catalog, const http::Request& request);

}  // namespace selvedge::api
