// AI binding: from what the classes around env.AI write to a model call, and its bare answer.
#include "api/binding_ai.h"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>
#include <simdjson.h>

#include "api/ai_run.h"
#include "api/answer_headers.h"
#include "api/errors.h"
#include "api/gateway_logs.h"
#include "api/inline_work.h"
#include "api/json_reader.h"
#include "api/json_writer.h"
#include "api/markdown_routes.h"
#include "api/models_search.h"
#include "api/payer.h"
#include "api/request_id.h"
#include "api/run_options.h"
#include "api/sse.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/uuid.h"
#include "http/gzip.h"

namespace selvedge::api {
namespace {

namespace ondemand = simdjson::ondemand;

http::Response refused(Code code, std::string message) {
  return ai_binding_error(Error{code, std::move(message)}, random_uuid());
}

// "prefix:@cf/…" -> "@cf/…": the binding's option `prefix` routes inside the hosted service.
std::string model_named(std::string_view value) {
  const std::size_t at = value.find(":@");
  return std::string(at == std::string_view::npos ? value : value.substr(at + 1));
}

// A body {"inputs":{…},"options":{…}} cut in two. The texts are not checked here; `options` may be
// empty.
struct CutBody {
  std::string_view inputs;
  std::string_view options;
};

// Views into `body`, whose capacity grows by simdjson's padding. Errors: missing_body,
// invalid_json, invalid_input.
Result<CutBody> cut_body(std::string& body) {
  body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
  const simdjson::padded_string_view padded(body.data(), body.size(), body.capacity());
  ondemand::parser parser;
  ondemand::document document;
  ondemand::object object;
  CutBody cut;
  bool sound = !parser.iterate(padded).get(document) && !document.get_object().get(object);
  if (sound) {
    for (auto field : object) {
      ondemand::raw_json_string key;
      ondemand::value value;
      sound = !field.error() && !field.key().get(key) && !field.value().get(value);
      if (sound && key == "inputs") sound = !simdjson::to_json_string(value).get(cut.inputs);
      if (sound && key == "options") sound = !simdjson::to_json_string(value).get(cut.options);
      if (!sound) break;
    }
  }
  if (!sound) {
    SEL_CHECK_OK(parse_object(body));  // Says in the usual words what is wrong.
    return Error{Code::invalid_json, "the body is not valid JSON"};
  }
  if (cut.inputs.empty()) {
    return Error{Code::invalid_input, "required properties at '/' are 'inputs'"};
  }
  return cut;
}

struct BindingCall {
  std::string streamed;     // Holds `inputs` when they came as a stream.
  std::string_view inputs;  // Else in the request's body.
  std::string file;         // The stream itself, where it is no JSON.
  std::string file_type;    // Empty: there is none.
  RunOptions options;
};

// One input was a stream, and came as the body; the others are in the query `userInputs`.
// Errors: invalid_input, invalid_json.
Result<std::string> streamed_inputs(http::Request& request, std::string_view others,
                                    BindingCall& call) {
  std::string type = request.content_type();
  if (type == "multipart/form-data") type = request.headers.get("content-type");  // Its boundary.
  if (type != "application/json") {
    call.file = std::move(request.body);
    call.file_type = type.empty() ? "application/octet-stream" : std::move(type);
    return std::string(others);
  }
  SEL_TRY(inputs, parse_object(others));
  SEL_TRY(streamed, parse_object(request.body));
  inputs.update(streamed);
  return inputs.dump();
}

// Errors: invalid_json, invalid_input, not_served.
Result<RunOptions> options_in(std::string_view text) {
  RunOptions options;
  if (text.empty()) return options;
  SEL_TRY(given, parse_json(text));
  SEL_CHECK_OK(add_run_options(given, options));
  return options;
}

// What a log of a gateway tells of the call beside its answer.
struct GatewayCall {
  std::string gateway;
  std::string model;
};

// Both forms of a call. Errors: missing_body, invalid_json, invalid_input, not_served.
asio::awaitable<Status> read_call(const ApiContext& context, http::Request& request,
                                  BindingCall& call) {
  if (const auto others = request.query_value("userInputs")) {
    SEL_CO_TRY(inputs, streamed_inputs(request, *others, call));
    SEL_CO_TRY(options, query_run_options(request));
    call.streamed = std::move(inputs);
    call.inputs = call.streamed;
    call.options = std::move(options);
  } else {
    auto work = [&body = request.body] { return cut_body(body); };
    auto cut = co_await inline_or_offload(context.pool, request.body.size(), kInlineBodyBytes,
                                          std::move(work));
    SEL_CO_TRY(parts, std::move(cut));
    SEL_CO_TRY(options, options_in(parts.options));
    call.inputs = parts.inputs;
    call.options = std::move(options);
  }
  co_return ok_status();
}

struct BareAnswer {
  std::string request_id;
  // @cloudflare/ai 1.1.0 unpacks every answer that is no stream by itself.
  bool packed = false;
};

asio::awaitable<http::Response> bare_response(AiAnswer answer, BareAnswer form) {
  http::Response response;
  if (answer.events) {
    auto streamed = co_await sse_response(std::move(answer.events));
    if (!streamed.ok()) co_return ai_binding_error(streamed.error(), form.request_id);
    response = std::move(streamed).value();
  } else if (!answer.bytes_type.empty()) {
    response = bytes_response(std::move(answer.bytes_type), std::move(answer.bytes));
  } else {
    response = json_response(200, std::move(answer.result_json));
    if (form.packed) response.body = http::gzip(response.body);
  }
  for (auto& [name, value] : answer.headers) response.headers.set(name, std::move(value));
  co_return std::move(response);
}

asio::awaitable<http::Response> bare_run(const ApiContext& context, const http::Request& request,
                                         BindingCall& asked, BareAnswer form) {
  AiCall call;
  call.model = model_named(request.headers.get("cf-consn-model-id"));
  call.options = std::move(asked.options);
  call.file = std::move(asked.file);
  call.file_type = std::move(asked.file_type);
  call.request_id = form.request_id;
  call.payer = payer_of(request, request.headers.get("selvedge-account"));
  call.error_json = ai_binding_error_json;
  auto ran = co_await run_model(context, std::move(call), asked.inputs);
  if (!ran.ok()) co_return ai_binding_error(ran.error(), form.request_id);
  const std::string weights = answered_by(ran->model);
  const std::optional<double> neurons = ran->neurons;
  auto response = co_await bare_response(std::move(ran).value(), form);
  set_answer_headers(response, weights, form.request_id, neurons);
  co_return std::move(response);
}

// POST /run: version 3 of the wire form is workerd's, 2 that of the package @cloudflare/ai 1.1; the
// package's older ones sent tensors.
asio::awaitable<http::Response> binding_run(const ApiContext& context, http::Request& request,
                                            GatewayCall* names = nullptr) {
  const std::string version = request.query_value("version").value_or("");
  BareAnswer form{request_id_of(context, request), version == "2"};
  if (version != "3" && version != "2") {
    const Error error{Code::client_too_old, "Request trying to use deprecated SDK version"};
    co_return ai_binding_error(error, form.request_id);
  }
  if (request.headers.get("cf-consn-model-id").empty()) {
    const Error error{Code::missing_body, "Request is missing headers or body: cf-consn-model-id"};
    co_return ai_binding_error(error, form.request_id);
  }
  BindingCall call;
  const Status read = co_await read_call(context, request, call);
  if (!read.ok()) co_return ai_binding_error(read.error(), form.request_id);
  if (names != nullptr) {
    *names = {call.options.gateway, model_named(request.headers.get("cf-consn-model-id"))};
  }
  auto response = co_await bare_run(context, request, call, form);
  co_return std::move(response);
}

// The price in the answer's head; a stream tells it at its end only.
std::optional<double> neurons_told(const http::Response& response) {
  const std::string_view text = response.headers.get("cf-ai-neurons");
  double neurons = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), neurons);
  if (text.empty() || read.ec != std::errc()) return std::nullopt;
  return neurons;
}

// The same call through a gateway: there is none in between, but its Worker may ask for the log.
asio::awaitable<http::Response> gateway_run(const ApiContext& context, http::Request& request) {
  GatewayLog log;
  log.request_content_type = request.content_type();
  log.request_bytes = request.body.size();
  log.created_us = now_us();
  GatewayCall names;
  const auto begun = std::chrono::steady_clock::now();
  auto response = co_await binding_run(context, request, &names);
  log.id = context.identities->uuid({"log", response.headers.get("cf-ai-req-id")});
  response.headers.set("cf-aig-log-id", log.id);
  if (names.gateway.empty()) co_return std::move(response);
  log.account = std::string(request.headers.get("selvedge-account"));
  log.gateway = std::move(names.gateway);
  log.model = std::move(names.model);
  log.status = response.status;
  log.response_content_type = std::string(response.headers.get("content-type"));
  log.response_bytes = response.body.size();
  log.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                        std::chrono::steady_clock::now() - begun)
                        .count();
  log.neurons = neurons_told(response);
  context.gateway_logs->add(std::move(log));
  co_return std::move(response);
}

http::Response gateway_log(const ApiContext& context, const http::Request& request,
                           const PathParameters& parameters) {
  const auto log = context.gateway_logs->json(request.headers.get("selvedge-account"),
                                              parameters.get("gateway"), parameters.get("log"));
  if (!log.ok()) return refused(log.error().code, log.error().message);
  return json_response(200, "{\"result\":" + *log + ",\"success\":true}");
}

http::Response gateway_log_patch(const ApiContext& context, const http::Request& request,
                                 const PathParameters& parameters) {
  const auto changes = parse_object(request.body);
  if (!changes.ok()) return refused(changes.error().code, changes.error().message);
  const Status patched =
      context.gateway_logs->patch(request.headers.get("selvedge-account"),
                                  parameters.get("gateway"), parameters.get("log"), *changes);
  if (!patched.ok()) return refused(patched.error().code, patched.error().message);
  return json_response(200, "{\"result\":null,\"success\":true}");
}

// Where the paths of a gateway's provider continue on this server.
http::Response gateway_url(const http::Request& request, const PathParameters& parameters) {
  const std::string_view provider = parameters.get("provider");
  std::string url = "http://" + request.local;
  const std::string account(request.headers.get("selvedge-account"));
  if (provider == "workers-ai") {
    url += "/client/v4/accounts/" + account + "/ai/run";
  } else if (provider == "openai" || provider == "compat") {
    url += "/client/v4/accounts/" + account + "/ai/v1";
  } else {
    return refused(Code::not_served,
                   "AI Gateway is not served here; of its providers only workers-ai, openai and "
                   "compat have a URL on this server");
  }
  std::string body = "{\"result\":{\"url\":";
  append_string(body, url);
  body += "},\"success\":true}";
  return json_response(200, std::move(body));
}

using FixedAnswer = http::Response (*)();

http::Response empty_list() { return json_response(200, R"({"result":[],"success":true})"); }
http::Response no_websocket() {
  return refused(Code::not_served, "models are not run over WebSockets here");
}
http::Response no_gateway() { return refused(Code::not_served, "AI Gateway is not served here"); }
http::Response no_rag() {
  return refused(Code::not_found, "AutoRAG is not served here, so there is none of that name");
}

void add_fixed(Router& router, std::string method, std::string path, FixedAnswer answer) {
  router.add({std::move(method), std::move(path),
              [answer](http::Request&, const PathParameters&) { return at_once(answer()); },
              limits::json_body_bytes_max});
}

void add_what_is_not_served(Router& router) {
  add_fixed(router, "GET", "/run", no_websocket);
  add_fixed(router, "GET", "/ai-gateway/run", no_websocket);
  add_fixed(router, "POST", "/ai-gateway/universal/run/{gateway}", no_gateway);
  add_fixed(router, "GET", "/autorag/rags", empty_list);
  add_fixed(router, "POST", "/autorag/rags/{rag}/search", no_rag);
  add_fixed(router, "POST", "/autorag/rags/{rag}/ai-search", no_rag);
}

}  // namespace

void add_ai_binding_routes(Router& router, const ApiContext& context) {
  const std::size_t bytes_max = limits::json_body_bytes_max;
  router.add({"POST", "/run",
              [&context](http::Request& request, const PathParameters&) {
                return binding_run(context, request);
              },
              limits::audio_body_bytes_max});
  router.add({"POST", "/ai-gateway/run",
              [&context](http::Request& request, const PathParameters&) {
                return gateway_run(context, request);
              },
              limits::audio_body_bytes_max});
  router.add({"GET", "/ai-api/models/search",
              [&context](http::Request& request, const PathParameters&) {
                return at_once(models_search(context.catalog, context.rules, request));
              },
              bytes_max});
  router.add({"GET", "/ai-gateway/gateways/{gateway}/url/{provider}",
              [](http::Request& request, const PathParameters& parameters) {
                return at_once(gateway_url(request, parameters));
              },
              bytes_max});
  router.add({"GET", "/ai-gateway/gateways/{gateway}/logs/{log}",
              [&context](http::Request& request, const PathParameters& parameters) {
                return at_once(gateway_log(context, request, parameters));
              },
              bytes_max});
  router.add({"PATCH", "/ai-gateway/gateways/{gateway}/logs/{log}",
              [&context](http::Request& request, const PathParameters& parameters) {
                return at_once(gateway_log_patch(context, request, parameters));
              },
              bytes_max});
  add_markdown_binding_routes(router, context);
  add_what_is_not_served(router);
}

}  // namespace selvedge::api
