// Binding door: one router a binding, and the errors of each.
#include "api/binding_door.h"

#include <utility>

#include "api/binding_ai.h"
#include "api/binding_vectorize.h"
#include "api/errors.h"
#include "base/limits.h"
#include "base/uuid.h"

namespace selvedge::api {
namespace {

http::Response refusal(const Error& error, BindingKind kind) {
  if (kind == BindingKind::vectorize) return vectorize_binding_error(error);
  if (kind == BindingKind::ai) return ai_binding_error(error, random_uuid());
  return plain_error(error);
}

// A WebSocket would carry calls of JavaScript objects. The connection must go, or the client's next
// request on it fails.
http::Response no_rpc() {
  http::Response response = plain_error(Error{Code::not_served,
                                              "remote calls over a WebSocket are not served here; "
                                              "run() and all of Vectorize go over HTTP"});
  response.headers.set("connection", "close");
  return response;
}

}  // namespace

BindingDoor::BindingDoor(const ApiContext& context, const PreviewSessions& sessions)
    : sessions_(sessions) {
  add_ai_binding_routes(ai_, context);
  add_vectorize_binding_routes(vectorize_, context);
}

std::size_t BindingDoor::body_limit(const http::Request& request, BindingKind kind) const {
  const Router::Found found = routes(kind).find(request.method, binding_path(request));
  return found.route == nullptr ? limits::json_body_bytes_max : found.route->body_bytes_max;
}

asio::awaitable<http::Response> BindingDoor::handle(http::Request& request,
                                                    BindingKind kind) const {
  if (kind == BindingKind::rpc) co_return no_rpc();
  if (kind == BindingKind::unknown) {
    co_return plain_error(
        Error{Code::route_not_found, "the forwarded URL names no service that is answered here"});
  }
  const bool forwarded = request.headers.has("mf-url");
  const Status unwrapped = unwrap_binding(request, sessions_);
  if (!unwrapped.ok()) co_return refusal(unwrapped.error(), kind);
  const Router::Found found = routes(kind).find(request.method, request.path);
  http::Response response;
  if (found.allowed.empty()) {
    response = refusal(Error{Code::route_not_found, "No route for that URI"}, kind);
  } else if (found.route == nullptr) {
    response = refusal(
        Error{Code::method_not_allowed, "Method " + request.method + " not available for that URI"},
        kind);
    response.headers.set("allow", allow_header(found.allowed));
  } else {
    response = co_await found.route->handler(request, found.parameters);
  }
  // Tells the forwarding Worker that a 403 is ours, and not a log-in page before us.
  if (forwarded) response.headers.set("mf-forwarded-response", "1");
  co_return std::move(response);
}

}  // namespace selvedge::api
