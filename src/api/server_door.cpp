// Server door: the route table, and what every request passes on its way in and out.
#include "api/server_door.h"

#include <utility>

#include "api/account_routes.h"
#include "api/ai_routes.h"
#include "api/auth.h"
#include "api/batches.h"
#include "api/door_form.h"
#include "api/errors.h"
#include "api/finetune_routes.h"
#include "api/gateway_logs.h"
#include "api/markdown_routes.h"
#include "api/openai_routes.h"
#include "api/openapi.h"
#include "api/preview_routes.h"
#include "api/snapshot_route.h"
#include "api/status_pages.h"
#include "api/test_kit.h"
#include "api/turn_routes.h"
#include "api/usage_page.h"
#include "api/vectorize_routes.h"
#include "base/limits.h"

namespace selvedge::api {
namespace {

constexpr std::string_view kApiPrefix = "/client/v4/";

// The server's own switch says which of the two has the context's rules; the other has its usual
// ones.
ApiContext ruled_by(const ApiContext& context, bool hosted) {
  ApiContext ruled = context;
  if (ruled.rules.hosted != hosted) ruled.rules = hosted ? hosted_rules() : Rules();
  return ruled;
}

// What the handlers of both sets of rules share.
ApiContext with_shared_parts(ApiContext context) {
  context.batches = std::make_shared<Batches>();
  context.gateway_logs = std::make_shared<GatewayLogs>();
  if (context.kit == nullptr) context.kit = std::make_shared<TestKit>();
  return context;
}

http::Response method_not_allowed(const http::Request& request, bool enveloped,
                                  const std::string& allow) {
  const Error error{Code::method_not_allowed,
                    "Method " + request.method + " not available for that URI."};
  http::Response response = is_openai_path(request.path) ? openai_no_method(request)
                            : enveloped                  ? envelope_error(error)
                                                         : plain_error(error);
  response.headers.set("allow", allow);
  return response;
}

http::Response options_response(const std::string& allow) {
  http::Response response;
  response.status = 204;
  response.headers.set("allow", allow);
  return response;
}

}  // namespace

ServerDoor::Ruled::Ruled(ApiContext made, PreviewSessions& sessions)
    : context(std::move(made)), bindings(context, sessions) {
  add_account_routes(router);
  add_ai_routes(router, context);
  add_finetune_routes(router, context);
  add_markdown_routes(router, context);
  add_vectorize_routes(router, context);
  add_preview_routes(router, sessions);
  add_openai_routes(router, context);
  add_turn_routes(router, context);
}

ServerDoor::ServerDoor(ApiContext context)
    : context_(with_shared_parts(std::move(context))),
      openapi_(openapi_document(context_.version)),
      generous_(ruled_by(context_, false), sessions_),
      strict_(ruled_by(context_, true), sessions_) {
  add_status_routes(generous_.router);
  add_status_routes(strict_.router);
}

const ServerDoor::Ruled& ServerDoor::ruled(const http::Request& request) const {
  bool strict = context_.rules.hosted;
  if (const auto asked = asked_strictness(request); asked.ok()) strict = asked->value_or(strict);
  return strict ? strict_ : generous_;
}

http::Response ServerDoor::error_body(int status, Code code, std::string_view message,
                                      const http::Request* request) const {
  const DoorForm form = door_form(request);
  const Error error{code, std::string(message)};
  http::Response response =
      form == DoorForm::envelope && code == Code::unauthorized
          ? unauthorized_envelope(request->path)
          : failure_response(form, error, context_.identities->uuid({"refused"}));
  if (code == Code::unauthorized) response.headers.set("www-authenticate", "Bearer");
  if (request != nullptr && ruled(*request).context.rules.hosted) {
    response.headers.set(kStrictHeader, "true");
  }
  response.status = status;  // The server knows finer ones (431, 415) than a code has.
  return response;
}

std::size_t ServerDoor::body_limit(const http::Request& request) const {
  const Ruled& by = ruled(request);
  if (const auto binding = binding_kind(request)) return by.bindings.body_limit(request, *binding);
  const Router::Found found = by.router.find(request.method, request.path);
  return found.route == nullptr ? limits::json_body_bytes_max : found.route->body_bytes_max;
}

Status ServerDoor::check_caller(const http::Request& request) const {
  // Without a token nobody learns which paths exist.
  const auto binding = binding_kind(request);
  if (!binding && (request.path == "/" || request.path == "/health")) return ok_status();
  // A session was opened with a token; its own takes the place of that one.
  const std::string_view session = request.headers.get("cf-workers-preview-token");
  if (binding && sessions_.find(session) != nullptr) return ok_status();
  SEL_CHECK_OK(check_token(request, context_.tokens));
  const bool api = request.path.starts_with(kApiPrefix) || is_openai_path(request.path);
  if (binding || !api || !ruled(request).context.rules.token_wanted) return ok_status();
  return check_credential(request);
}

std::optional<http::Refusal> ServerDoor::admission(const http::Request& request) const {
  const Status known = check_caller(request);
  if (known.ok()) return std::nullopt;
  const Error& error = known.error();
  return http::Refusal{error_row(error.code).status, error.code, error.message};
}

void ServerDoor::add_status_routes(Router& router) {
  router.add(
      {"GET", "/health",
       [this](http::Request&, const PathParameters&) { return at_once(health_page(context_)); },
       limits::json_body_bytes_max});
  router.add({"GET", "/metrics",
              [this](http::Request&, const PathParameters&) {
                return at_once(metrics_page(context_, counts_));
              },
              limits::json_body_bytes_max});
  router.add({"POST", "/snapshots/{name}",
              [this](http::Request&, const PathParameters& parameters) {
                return make_snapshot(context_, parameters);
              },
              limits::json_body_bytes_max});
  router.add({"GET", "/usage",
              [this](http::Request& request, const PathParameters&) {
                return usage_page(context_, request);
              },
              limits::json_body_bytes_max});
  router.add({"GET", "/openapi.json",
              [this](http::Request&, const PathParameters&) {
                return at_once(json_response(200, openapi_));
              },
              limits::json_body_bytes_max});
  router.add(
      {"GET", "/",
       [this](http::Request&, const PathParameters&) { return at_once(home_page(context_)); },
       limits::json_body_bytes_max});
}

asio::awaitable<http::Response> ServerDoor::handle(http::Request request) {
  const auto begun = std::chrono::steady_clock::now();
  const Ruled& by = ruled(request);
  auto response = co_await answer(request, by);
  if (by.context.rules.hosted) response.headers.set(kStrictHeader, "true");
  record(counts_, request, response, begun);
  co_return std::move(response);
}

CallNames ServerDoor::call_names(http::Request& request) const {
  const auto kind = binding_kind(request);
  if (!kind) return rest_call_names(request);
  if (*kind != BindingKind::ai && *kind != BindingKind::vectorize) return {};
  http::Request inner;
  inner.method = request.method;
  inner.path = request.path;
  inner.host = request.host;
  inner.headers = request.headers;
  if (!unwrap_binding(inner, sessions_).ok()) return {};
  return *kind == BindingKind::ai ? ai_binding_call_names(inner)
                                  : vectorize_binding_call_names(inner);
}

asio::awaitable<http::Response> ServerDoor::answer(http::Request& request, const Ruled& by) {
  KitCall call;
  if (context_.kit->has_part_in(request) && check_caller(request).ok()) {
    call.names = call_names(request);
  }
  if (call.names.product == Product::none) {
    auto plain = co_await dispatch(request, by);
    co_return std::move(plain);
  }
  const bool forwarded = request.headers.has("mf-url");
  const auto own = [&](std::string_view name) {
    const std::string prefix = forwarded ? "mf-header-" : "";
    return std::string(request.headers.get(prefix + std::string(name)));
  };
  call.form = door_form(&request);
  call.request_id = context_.identities->uuid({"the kit's", request.method, request.path});
  call.own_fault = own(TestKit::kFaultHeader);
  call.own_latency = own(TestKit::kLatencyHeader);
  const TestKit::Work work = [this, &request, &by] { return dispatch(request, by); };
  auto response = co_await context_.kit->act(std::move(call), work);
  if (forwarded) response.headers.set("mf-forwarded-response", "1");
  co_return std::move(response);
}

asio::awaitable<http::Response> ServerDoor::dispatch(http::Request& request, const Ruled& by) {
  const Status known = check_caller(request);
  if (!known.ok()) {
    const int status = error_row(known.error().code).status;
    co_return error_body(status, known.error().code, known.error().message, &request);
  }
  if (const auto asked = asked_strictness(request); !asked.ok()) {
    co_return error_body(400, asked.error().code, asked.error().message, &request);
  }
  if (const auto binding = binding_kind(request)) {
    auto answer = co_await by.bindings.handle(request, *binding);
    co_return std::move(answer);
  }
  const bool enveloped = request.path.starts_with(kApiPrefix);
  const Router::Found found = by.router.find(request.method, request.path);
  if (found.allowed.empty()) {
    if (is_openai_path(request.path)) co_return openai_no_route(request);
    if (enveloped) co_return no_route(request.path);
    co_return plain_error(Error{Code::route_not_found, "no such path; GET / lists the routes"});
  }
  const std::string allow = allow_header(found.allowed);
  if (request.method == "OPTIONS") co_return options_response(allow);
  if (found.route == nullptr) co_return method_not_allowed(request, enveloped, allow);
  const std::string_view account = found.parameters.get("account");
  if (enveloped && !account.empty() && !valid_account(account)) {
    co_return is_openai_path(request.path) ? openai_no_route(request) : no_route(request.path);
  }
  auto response = co_await found.route->handler(request, found.parameters);
  co_return std::move(response);
}

}  // namespace selvedge::api
