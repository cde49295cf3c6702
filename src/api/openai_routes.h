// OpenAI routes: `/ai/v1/…` under an account, as the hosted service has it, and plain `/v1/…`.
#pragma once

#include <string_view>

#include "api/context.h"
#include "api/router.h"
#include "base/result.h"

namespace selvedge::api {

// `context` outlives the router.
void add_openai_routes(Router& router, const ApiContext& context);

// Errors under such a path are OpenAI's.
bool is_openai_path(std::string_view path);

// The error in the words that OpenAI's clients know; most stay as they are.
Error openai_wording(Error error);

http::Response openai_no_route(const http::Request& request);
http::Response openai_no_method(const http::Request& request);

}  // namespace selvedge::api
