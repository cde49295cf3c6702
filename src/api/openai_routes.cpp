// OpenAI routes: requests in, objects, streams and errors out.
#include "api/openai_routes.h"

#include <memory>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/answer_headers.h"
#include "api/errors.h"
#include "api/inline_work.h"
#include "api/openai_audio.h"
#include "api/openai_body.h"
#include "api/openai_chat.h"
#include "api/openai_completion.h"
#include "api/openai_embedding.h"
#include "api/openai_images.h"
#include "api/openai_models.h"
#include "api/openai_rerank.h"
#include "api/openai_run.h"
#include "api/payer.h"
#include "api/request_id.h"
#include "api/usage.h"
#include "base/limits.h"

namespace selvedge::api {
namespace {

constexpr std::string_view kAccounts = "/client/v4/accounts/";

enum class Kind : std::uint8_t { chat, completion };

http::Response fault_response(const OpenAiFault& fault) {
  return openai_error(fault.error, fault.param, fault.code);
}

// Of a call that was understood.
http::Response call_error(const Error& error, std::string_view prompt_param) {
  std::string_view param;
  switch (error.code) {
    case Code::model_not_found:
    case Code::model_not_installed:
    case Code::model_unsupported:
    case Code::model_deprecated:
      param = "model";
      break;
    case Code::context_overflow:
      param = prompt_param;
      break;
    case Code::invalid_input:
      // The runner alone knows the vocabulary.
      for (const std::string_view name : {"logit_bias", "tools", "tool_choice", "messages"}) {
        if (error.message.starts_with(std::string(name) + ":")) param = name;
      }
      if (error.message.starts_with("json_schema:")) param = "response_format";
      if (error.message.find("lora") != std::string::npos) param = "lora";
      break;
    case Code::lora_unsupported:
    case Code::finetune_not_found:
    case Code::finetune_incomplete:
      param = "lora";
      break;
    default:
      break;
  }
  return openai_error(openai_wording(error), param);
}

std::unique_ptr<OpenAiForm> form_of(Kind kind, OpenAiCall& call) {
  if (kind == Kind::chat) return std::make_unique<ChatForm>();
  return std::make_unique<CompletionForm>(std::move(call.echoes));
}

asio::awaitable<http::Response> generate(const ApiContext& context, const http::Request& request,
                                         inference::Payer payer, Kind kind,
                                         OpenAiDefaults defaults) {
  const auto parse = [kind, defaults](const nlohmann::json& body) {
    return kind == Kind::chat ? parse_chat(body, defaults) : parse_completion(body, defaults);
  };
  auto parsed = co_await parse_openai_body(context, request, parse);
  if (const auto* fault = std::get_if<OpenAiFault>(&parsed)) co_return fault_response(*fault);
  auto& call = std::get<OpenAiCall>(parsed);
  const std::string_view prompt_param = kind == Kind::chat ? "messages" : "prompt";
  auto found = resolve_openai_model(context, call.model, catalog::Task::text_generation);
  if (!found.ok()) co_return call_error(found.error(), prompt_param);
  const catalog::Resolved model = std::move(found).value();
  auto form = form_of(kind, call);
  auto error_json = [](const Error& error) { return openai_error_json(openai_wording(error)); };
  const std::string request_id = request_id_of(context, request);
  OpenAiWay way{std::move(form), std::move(error_json), request_id, std::move(payer)};
  auto ran = co_await run_openai(context, model, std::move(call), std::move(way));
  if (!ran.ok()) co_return call_error(ran.error(), prompt_param);
  OpenAiAnswer answer = std::move(ran).value();
  http::Response response;
  std::optional<double> neurons;
  if (answer.events) {
    auto streamed = co_await sse_response(std::move(answer.events));
    if (!streamed.ok()) co_return call_error(streamed.error(), prompt_param);
    response = std::move(streamed).value();
  } else {
    response = json_response(200, std::move(answer.json));
    neurons = answer.neurons;
  }
  set_answer_headers(response, answered_by(model), request_id, neurons);
  co_return std::move(response);
}

asio::awaitable<http::Response> embed(const ApiContext& context, const http::Request& request,
                                      inference::Payer payer) {
  const auto parse = [&rules = context.rules](const nlohmann::json& body) {
    return parse_openai_embed(body, rules);
  };
  auto parsed = co_await parse_openai_body(context, request, parse);
  if (const auto* fault = std::get_if<OpenAiFault>(&parsed)) co_return fault_response(*fault);
  auto& call = std::get<OpenAiEmbedCall>(parsed);
  auto found = resolve_openai_model(context, call.model, catalog::Task::text_embeddings);
  if (!found.ok()) co_return call_error(found.error(), "input");
  const catalog::Resolved model = std::move(found).value();
  const std::int32_t own = model.entry->output_dimensions;
  if (call.dimensions && own > 0 && *call.dimensions != own) {
    const Error error{Code::invalid_input,
                      "This model does not support specifying dimensions; its vectors have " +
                          std::to_string(own) + "."};
    co_return openai_error(error, "dimensions", "unsupported_value");
  }
  call.task.payer = std::move(payer);
  auto embedded = co_await context.inference.embed(model, std::move(call.task));
  if (!embedded.ok()) co_return call_error(embedded.error(), "input");
  const inference::Embeddings embeddings = std::move(embedded).value();
  const double neurons = neurons_of(*model.entry, embeddings.usage);
  auto write = [&] { return openai_embed_result(embeddings, call, neurons); };
  auto body = co_await inline_or_offload(context.pool, embeddings.values.size(), kInlineValues,
                                         std::move(write));
  http::Response response = json_response(200, std::move(body));
  set_answer_headers(response, answered_by(model), request_id_of(context, request), neurons);
  co_return std::move(response);
}

asio::awaitable<http::Response> rerank(const ApiContext& context, const http::Request& request,
                                       inference::Payer payer) {
  auto parsed = co_await parse_openai_body(context, request, parse_openai_rerank);
  if (const auto* fault = std::get_if<OpenAiFault>(&parsed)) co_return fault_response(*fault);
  auto& call = std::get<OpenAiRerankCall>(parsed);
  auto found = resolve_openai_model(context, call.model, catalog::Task::text_classification);
  if (!found.ok()) co_return call_error(found.error(), "query");
  const catalog::Resolved model = std::move(found).value();
  std::vector<std::string> documents;
  if (call.return_documents) documents = call.task.texts;
  call.task.payer = std::move(payer);
  auto ranked = co_await rank_or_emulate(context, model, std::move(call.task));
  if (!ranked.ok()) co_return call_error(ranked.error(), "query");
  auto best = best_texts(*ranked, call.top_n);
  if (!best.ok()) co_return call_error(best.error(), "query");
  const double neurons = neurons_of(*model.entry, ranked->usage);
  http::Response response =
      json_response(200, openai_rerank_result(*best, documents, call, ranked->usage, neurons));
  set_answer_headers(response, answered_by(model), request_id_of(context, request), neurons);
  co_return std::move(response);
}

asio::awaitable<http::Response> list_models(const ApiContext& context) {
  auto work = [&context] { return openai_model_list(context); };
  auto json = co_await offload(context.pool, std::move(work));
  co_return json_response(200, std::move(json));
}

asio::awaitable<http::Response> one_model(const ApiContext& context, std::string name) {
  auto found = openai_model(context, name);
  if (!found.ok()) co_return call_error(found.error(), "model");
  co_return json_response(200, std::move(found).value());
}

void add_generation(Router& router, const ApiContext& context, std::string path, Kind kind,
                    OpenAiDefaults defaults) {
  router.add({"POST", std::move(path),
              [&context, kind, defaults](http::Request& request, const PathParameters& parameters) {
                return generate(context, request, payer_of(request, parameters.get("account")),
                                kind, defaults);
              },
              limits::json_body_bytes_max});
}

void add_embedding(Router& router, const ApiContext& context, std::string path) {
  router.add({"POST", std::move(path),
              [&context](http::Request& request, const PathParameters& parameters) {
                return embed(context, request, payer_of(request, parameters.get("account")));
              },
              limits::json_body_bytes_max});
}

void add_rerank(Router& router, const ApiContext& context, std::string path) {
  router.add({"POST", std::move(path),
              [&context](http::Request& request, const PathParameters& parameters) {
                return rerank(context, request, payer_of(request, parameters.get("account")));
              },
              limits::json_body_bytes_max});
}

}  // namespace

bool is_openai_path(std::string_view path) {
  if (path == "/v1" || path.starts_with("/v1/")) return true;
  if (!path.starts_with(kAccounts)) return false;
  path.remove_prefix(kAccounts.size());
  const std::size_t account_end = path.find('/');
  return account_end != path.npos && path.substr(account_end).starts_with("/ai/v1/");
}

Error openai_wording(Error error) {
  switch (error.code) {
    case Code::invalid_json:
    case Code::missing_body:
      error.message =
          "We could not parse the JSON body of your request. (HINT: " + error.message + ".)";
      break;
    case Code::invalid_input:
      if (error.message.starts_with("Type mismatch of '/',")) {
        error.message =
            "We could not parse the JSON body of your request. (HINT: it must be an "
            "object.)";
      }
      break;
    case Code::unauthorized:
      error.message = "Incorrect API key provided.";
      break;
    case Code::context_overflow:
      error.message = "This model's maximum context length is exceeded: " + error.message +
                      " Please reduce the length of the messages or completion.";
      break;
    case Code::queue_full:
      error.message = "Rate limit reached: capacity temporarily exceeded, please try again.";
      break;
    default:
      break;
  }
  return error;
}

http::Response openai_no_route(const http::Request& request) {
  return openai_error(Error{Code::route_not_found, "Unknown request URL: " + request.method + " " +
                                                       request.path +
                                                       ". Please check the URL for typos."});
}

http::Response openai_no_method(const http::Request& request) {
  return openai_error(Error{Code::method_not_allowed,
                            "Not allowed to " + request.method + " on " + request.path +
                                ". (HINT: Perhaps you meant to use a different HTTP method?)"});
}

void add_openai_routes(Router& router, const ApiContext& context) {
  const std::string hosted = std::string(kAccounts) + "{account}/ai/v1/";
  add_generation(router, context, hosted + "chat/completions", Kind::chat,
                 hosted_openai_defaults(context.rules));
  add_embedding(router, context, hosted + "embeddings");
  add_rerank(router, context, hosted + "rerank");
  const OpenAiDefaults plain = plain_openai_defaults(context.rules);
  add_generation(router, context, "/v1/chat/completions", Kind::chat, plain);
  add_generation(router, context, "/v1/completions", Kind::completion, plain);
  add_embedding(router, context, "/v1/embeddings");
  add_rerank(router, context, "/v1/rerank");
  add_openai_audio_routes(router, context);
  router.add({"POST", "/v1/images/generations",
              [&context](http::Request& request, const PathParameters&) {
                return openai_images(context, request, payer_of(request, ""));
              },
              limits::json_body_bytes_max});
  router.add({"GET", "/v1/models",
              [&context](http::Request&, const PathParameters&) { return list_models(context); },
              limits::json_body_bytes_max});
  router.add({"GET", "/v1/models/{model...}",
              [&context](http::Request&, const PathParameters& parameters) {
                return one_model(context, std::string(parameters.get("model")));
              },
              limits::json_body_bytes_max});
}

}  // namespace selvedge::api
