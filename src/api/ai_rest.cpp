// AI over REST: from a request to a call, and from its answer to a response.
#include "api/ai_rest.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "api/ai_run.h"
#include "api/answer_headers.h"
#include "api/chat_options.h"
#include "api/errors.h"
#include "api/inline_work.h"
#include "api/input_check.h"
#include "api/payer.h"
#include "api/request_id.h"

namespace selvedge::api {
namespace {

// The hosted service wants it on calls that name the model in the body.
constexpr const char* kGatewayHeader = "cf-aig-gateway-id";

Result<AiCall> read_call(std::string model, std::string_view account, const http::Request& request,
                         const std::string& request_id) {
  SEL_TRY(options, query_run_options(request));
  AiCall call;
  call.model = std::move(model);
  call.options = std::move(options);
  call.request_id = request_id;
  call.payer = payer_of(request, account);
  call.body_type = request.headers.get("content-type");
  call.error_json = [request_id](const Error& error) {
    return workers_ai_error_json(error, request_id);
  };
  return call;
}

asio::awaitable<http::Response> rest_response(Result<AiAnswer> ran, std::string request_id) {
  if (!ran.ok()) co_return workers_ai_error(ran.error(), request_id);
  AiAnswer answer = std::move(ran).value();
  http::Response response;
  if (answer.events) {
    auto streamed = co_await sse_response(std::move(answer.events));
    if (!streamed.ok()) co_return workers_ai_error(streamed.error(), request_id);
    response = std::move(streamed).value();
  } else if (!answer.bytes_type.empty()) {
    response = bytes_response(std::move(answer.bytes_type), std::move(answer.bytes));
  } else {
    response = envelope(answer.result_json);
  }
  for (auto& [name, value] : answer.headers) response.headers.set(name, std::move(value));
  set_answer_headers(response, answered_by(answer.model), request_id, answer.neurons);
  co_return std::move(response);
}

// Takes `model`, `input` and `options` out of `body`. Errors: invalid_input.
Status take_named(nlohmann::json& body, AiCall& call, nlohmann::json& inputs) {
  const auto model = body.find("model");
  if (model == body.end()) return required_missing("/", "model");
  if (!model->is_string()) return type_mismatch("/model", "string", *model);
  call.model = model->get<std::string>();
  const auto input = body.find("input");
  if (input == body.end()) return required_missing("/", "input");
  if (!input->is_object()) return type_mismatch("/input", "object", *input);
  inputs = std::move(*input);
  const auto options = body.find("options");
  return options == body.end() ? ok_status() : add_run_options(*options, call.options);
}

}  // namespace

asio::awaitable<http::Response> rest_ai_run(const ApiContext& context, std::string model,
                                            std::string_view account,
                                            const http::Request& request) {
  const std::string request_id = request_id_of(context, request);
  auto call = read_call(std::move(model), account, request, request_id);
  if (!call.ok()) co_return workers_ai_error(call.error(), request_id);
  auto ran = co_await run_model(context, std::move(call).value(), request.body);
  auto response = co_await rest_response(std::move(ran), request_id);
  co_return std::move(response);
}

asio::awaitable<http::Response> rest_ai_run_named(const ApiContext& context,
                                                  std::string_view account,
                                                  const http::Request& request) {
  const std::string request_id = request_id_of(context, request);
  auto call = read_call({}, account, request, request_id);
  if (!call.ok()) co_return workers_ai_error(call.error(), request_id);
  if (context.rules.gateway_named && request.headers.get(kGatewayHeader).empty()) {
    const Error error{Code::missing_body,
                      std::string("Request is missing headers or body: ") + kGatewayHeader};
    co_return workers_ai_error(error, request_id);
  }
  auto read = [&request] { return parse_ordered_object(request.body); };
  auto parsed = co_await inline_or_offload(context.pool, request.body.size(), kInlineBodyBytes,
                                           std::move(read));
  if (!parsed.ok()) co_return workers_ai_error(parsed.error(), request_id);
  nlohmann::json inputs;
  const Status taken = take_named(*parsed, *call, inputs);
  if (!taken.ok()) co_return workers_ai_error(taken.error(), request_id);
  auto ran = co_await run_inputs(context, std::move(call).value(), std::move(inputs));
  auto response = co_await rest_response(std::move(ran), request_id);
  co_return std::move(response);
}

}  // namespace selvedge::api
