// Models search: the catalogue as Cloudflare's API lists it, with its authors and tasks.
#pragma once

#include "api/rules.h"
#include "catalog/catalog.h"
#include "http/message.h"

namespace selvedge::api {

// GET …/ai/models/search. Query: `search` (part of name or description), `task` (name or id),
// `author`, `source` (1: "@cf/…", 2: "@hf/…"), `hide_experimental`, `include_deprecated`,
// `format=openrouter`, `page`, `per_page`. Retired models are listed, because they are served;
// under hosted rules only with `include_deprecated`, and for three months. Numbers that are no
// numbers count as absent. Source: docs/compatibility.md#models.
http::Response models_search(const catalog::Catalog& catalog, const Rules& rules,
                             const http::Request& request);

// GET …/ai/authors/search: [{"id","name"}], sorted.
http::Response authors_search(const catalog::Catalog& catalog);

// GET …/ai/tasks/search: [{"id","name","description"}] of the tasks that some model has.
http::Response tasks_search(const catalog::Catalog& catalog);

}  // namespace selvedge::api
