// AI run: one model call, the same for every door: find the model, check the input, do it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "api/context.h"
#include "http/message.h"

namespace selvedge::api {

namespace asio = boost::asio;

// What a call gave: a result, or a stream of tokens when the input asked for one.
struct AiAnswer {
  catalog::Resolved model;
  std::string result_json;                         // When there is no stream.
  std::unique_ptr<inference::TokenStream> stream;  // Else null.
};

// `input` is the JSON text of the model's inputs. Errors: model_not_found, model_not_installed,
// model_unsupported, invalid_json, invalid_input, missing_body, those of Inference.
asio::awaitable<Result<AiAnswer>> run_model(const ApiContext& context, std::string model,
                                            std::string_view input);

// POST …/ai/run/{model}: the REST door. Answers in the envelope, or as an event stream; says in
// `selvedge-model` which weights answered ("…; stand-in" where they are not the model's own), and
// in `cf-ai-req-id` the call's UUID, which errors repeat.
asio::awaitable<http::Response> rest_ai_run(const ApiContext& context, std::string model,
                                            const http::Request& request);

}  // namespace selvedge::api
