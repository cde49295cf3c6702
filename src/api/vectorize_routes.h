// Vectorize routes: the REST paths of Vectorize under an account.
#pragma once

#include "api/context.h"
#include "api/router.h"

namespace selvedge::api {

// Version 2, and the paths of legacy version 1, which the same indexes answer. `context` outlives
// the router.
void add_vectorize_routes(Router& router, const ApiContext& context);

}  // namespace selvedge::api
