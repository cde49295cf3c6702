// Turn routes: OpenAI's Responses and Anthropic's Messages, under an account and on plain `/v1`.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "api/ai_run.h"
#include "api/context.h"
#include "api/responses_call.h"
#include "api/router.h"

namespace selvedge::api {

// `context` outlives the router.
void add_turn_routes(Router& router, const ApiContext& context);

// The same work for `ai/run`: one response. Errors: those of Inference.
asio::awaitable<Result<AiAnswer>> run_responses(const ApiContext& context, AiCall call,
                                                catalog::Resolved model, ResponsesCall asked);

}  // namespace selvedge::api
