// Models schema: what a model takes and answers, for those who ask.
#pragma once

#include "api/context.h"
#include "http/message.h"

namespace selvedge::api {

// GET …/ai/models/schema?model=…: {"input","output"}, the very schema that inputs are checked with.
// Errors: invalid_input (no `model`), model_not_found.
http::Response models_schema(const ApiContext& context, const http::Request& request);

}  // namespace selvedge::api
