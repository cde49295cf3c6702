// Markdown routes: files to Markdown, over REST and for the AI binding.
#pragma once

#include "api/context.h"
#include "api/router.h"

namespace selvedge::api {

// POST …/ai/tomarkdown (a form with `files` and `conversionOptions`), GET
// …/ai/tomarkdown/supported. Source: docs/compatibility.md#markdown-conversion.
void add_markdown_routes(Router& router, const ApiContext& context);

// The binding's paths below /to-everything/markdown.
void add_markdown_binding_routes(Router& router, const ApiContext& context);

}  // namespace selvedge::api
