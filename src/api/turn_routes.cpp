// Turn routes: requests in, turns and their events out.
#include "api/turn_routes.h"

#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/answer_headers.h"
#include "api/errors.h"
#include "api/lora.h"
#include "api/messages_answer.h"
#include "api/messages_call.h"
#include "api/openai_body.h"
#include "api/openai_models.h"
#include "api/openai_routes.h"
#include "api/payer.h"
#include "api/request_id.h"
#include "api/responses_answer.h"
#include "api/text_generation.h"
#include "api/usage.h"
#include "base/limits.h"

namespace selvedge::api {
namespace {

asio::awaitable<Result<std::unique_ptr<inference::TokenStream>>> start(
    const ApiContext& context, const catalog::Resolved& model, inference::GenerateTask task,
    std::string lora) {
  if (!lora.empty()) {
    auto found = co_await find_adapter(context, model, task.payer.account, std::move(lora));
    SEL_CO_TRY(ready, std::move(found));
    task.adapter = std::move(ready);
  }
  task.window_tokens = window_of(context.rules, *model.entry);
  auto started = co_await context.inference.generate(model, std::move(task));
  co_return std::move(started);
}

// One turn, whole or as events, and its head.
struct Way {
  std::unique_ptr<TurnForm> form;
  std::function<std::string(const Turn&)> whole;
  std::function<http::Response(const Error&)> refuse;
};

asio::awaitable<http::Response> answer_turn(const ApiContext& context,
                                            const catalog::Resolved& model, std::string request_id,
                                            inference::GenerateTask task, std::string lora,
                                            bool streams, Way way) {
  auto started = co_await start(context, model, std::move(task), std::move(lora));
  if (!started.ok()) co_return way.refuse(started.error());
  std::unique_ptr<inference::TokenStream> stream = std::move(started).value();
  http::Response response;
  std::optional<double> neurons;
  if (streams) {
    auto events = std::make_unique<TurnEvents>(std::move(stream), std::move(way.form), request_id);
    auto begun = co_await sse_response(std::move(events));
    if (!begun.ok()) co_return way.refuse(begun.error());
    response = std::move(begun).value();
  } else {
    auto read = co_await whole_turn(*stream, request_id);
    if (!read.ok()) co_return way.refuse(read.error());
    neurons = neurons_of(*model.entry, read->usage);
    response = json_response(200, way.whole(*read));
  }
  set_answer_headers(response, answered_by(model), request_id, neurons);
  co_return std::move(response);
}

http::Response refuse_openai(const Error& error) { return openai_error(openai_wording(error)); }
http::Response refuse_messages(const Error& error) { return messages_error(openai_wording(error)); }

ResponsesHead head_of(const ApiContext& context, const catalog::Resolved& model,
                      const std::string& request_id, std::string echoed) {
  return {request_id, context.identities->now_s(), std::move(echoed), model.entry};
}

asio::awaitable<http::Response> respond(const ApiContext& context, const http::Request& request,
                                        inference::Payer payer, OpenAiDefaults defaults) {
  const auto parse = [defaults](const nlohmann::json& body) {
    return parse_responses(body, defaults);
  };
  auto parsed = co_await parse_openai_body(context, request, parse);
  if (const auto* fault = std::get_if<OpenAiFault>(&parsed)) {
    co_return openai_error(fault->error, fault->param, fault->code);
  }
  auto& call = std::get<ResponsesCall>(parsed);
  auto found = resolve_openai_model(context, call.model, catalog::Task::text_generation);
  if (!found.ok()) co_return openai_error(openai_wording(found.error()), "model");
  const catalog::Resolved model = std::move(found).value();
  std::string request_id = request_id_of(context, request);
  const ResponsesHead head = head_of(context, model, request_id, std::move(call.echoed));
  call.task.payer = std::move(payer);
  Way way{std::make_unique<ResponsesForm>(head),
          [head](const Turn& turn) { return responses_json(head, turn); }, refuse_openai};
  auto response = co_await answer_turn(context, model, std::move(request_id), std::move(call.task),
                                       std::move(call.lora), call.stream, std::move(way));
  co_return std::move(response);
}

asio::awaitable<http::Response> message(const ApiContext& context, const http::Request& request,
                                        inference::Payer payer) {
  auto parsed = co_await parse_openai_body(context, request, parse_messages_call);
  if (const auto* fault = std::get_if<OpenAiFault>(&parsed)) co_return messages_error(fault->error);
  auto& call = std::get<MessagesCall>(parsed);
  auto found = resolve_openai_model(context, call.model, catalog::Task::text_generation);
  if (!found.ok()) co_return refuse_messages(found.error());
  const catalog::Resolved model = std::move(found).value();
  std::string request_id = request_id_of(context, request);
  const MessagesHead head{request_id, call.model, call.task.stop};
  call.task.payer = std::move(payer);
  Way way{std::make_unique<MessagesForm>(head),
          [head](const Turn& turn) { return message_json(head, turn); }, refuse_messages};
  auto response = co_await answer_turn(context, model, std::move(request_id), std::move(call.task),
                                       std::move(call.lora), call.stream, std::move(way));
  co_return std::move(response);
}

}  // namespace

asio::awaitable<Result<AiAnswer>> run_responses(const ApiContext& context, AiCall call,
                                                catalog::Resolved model, ResponsesCall asked) {
  asked.task.refuse_when_busy = call.options.reject_if_busy;
  asked.task.payer = std::move(call.payer);
  const ResponsesHead head = head_of(context, model, call.request_id, std::move(asked.echoed));
  auto started = co_await start(context, model, std::move(asked.task), std::move(asked.lora));
  SEL_CO_TRY(stream, std::move(started));
  AiAnswer answer;
  answer.model = std::move(model);
  if (asked.stream) {
    answer.events = std::make_unique<TurnEvents>(
        std::move(stream), std::make_unique<ResponsesForm>(head), call.request_id);
    co_return std::move(answer);
  }
  auto read = co_await whole_turn(*stream, call.request_id);
  SEL_CO_TRY(turn, std::move(read));
  answer.neurons = neurons_of(*answer.model.entry, turn.usage);
  answer.result_json = responses_json(head, turn);
  co_return std::move(answer);
}

void add_turn_routes(Router& router, const ApiContext& context) {
  const auto add = [&](std::string path, OpenAiDefaults defaults) {
    router.add({"POST", path + "responses",
                [&context, defaults](http::Request& request, const PathParameters& parameters) {
                  return respond(context, request, payer_of(request, parameters.get("account")),
                                 defaults);
                },
                limits::json_body_bytes_max});
    router.add({"POST", path + "messages",
                [&context](http::Request& request, const PathParameters& parameters) {
                  return message(context, request, payer_of(request, parameters.get("account")));
                },
                limits::json_body_bytes_max});
  };
  add("/client/v4/accounts/{account}/ai/v1/", hosted_openai_defaults(context.rules));
  add("/v1/", plain_openai_defaults(context.rules));
}

}  // namespace selvedge::api
