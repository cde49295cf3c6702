// AI binding: the calls of env.AI.
#pragma once

#include "api/context.h"
#include "api/router.h"

namespace selvedge::api {

// run() in all the forms that its clients write, models(), and what hangs on env.AI beside them:
// gateways, AutoRAG and Markdown, each with the answer that its own class reads. `context` outlives
// the router.
void add_ai_binding_routes(Router& router, const ApiContext& context);

}  // namespace selvedge::api
