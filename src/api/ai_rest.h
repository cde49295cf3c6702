// AI over REST: model calls in the envelope, as an event stream, or as an error with its number.
#pragma once

#include <string>
#include <string_view>

#include "api/context.h"
#include "http/message.h"

namespace selvedge::api {

namespace asio = boost::asio;

// POST …/ai/run/{model}. Every answer says the call's UUID in `cf-ai-req-id`, which errors repeat;
// a good one says in `selvedge-model` which weights answered, and in `cf-ai-neurons` the price
// (of a stream the last event tells it). Source: docs/compatibility.md#workers-ai.
asio::awaitable<http::Response> rest_ai_run(const ApiContext& context, std::string model,
                                            std::string_view account, const http::Request& request);

// POST …/ai/run with {"model","input":{…},"options"?:{…}}: the same.
asio::awaitable<http::Response> rest_ai_run_named(const ApiContext& context,
                                                  std::string_view account,
                                                  const http::Request& request);

}  // namespace selvedge::api
