// Vectorize binding: the calls of env.VECTORIZE.
#pragma once

#include "api/context.h"
#include "api/router.h"

namespace selvedge::api {

// The paths of a v2 binding, whose index is in the header `selvedge-index`, and of a v1 binding,
// which has it in the path. Only 200 is success; errors are {"code","error"}. `context` outlives
// the router.
void add_vectorize_binding_routes(Router& router, const ApiContext& context);

}  // namespace selvedge::api
