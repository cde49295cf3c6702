// Binding door: what env.AI and env.VECTORIZE of a Worker ask, answered bare, without an envelope.
#pragma once

#include <cstddef>
#include <string_view>

#include "api/binding_request.h"
#include "api/context.h"
#include "api/preview_sessions.h"
#include "api/router.h"

namespace selvedge::api {

// Speaks with `cloudflare-internal:ai-api` and `cloudflare-internal:vectorize-api` of workerd.
// Source: docs/compatibility.md#bindings. I/O thread only.
class BindingDoor {
 public:
  // Both outlive the door.
  BindingDoor(const ApiContext& context, const PreviewSessions& sessions);
  BindingDoor(const BindingDoor&) = delete;
  BindingDoor& operator=(const BindingDoor&) = delete;

  // `kind` is what binding_kind said of `request`. Every answer, also an error, is in the form that
  // the binding reads.
  asio::awaitable<http::Response> handle(http::Request& request, BindingKind kind) const;

  // The most bytes that the body of `request` may have.
  std::size_t body_limit(const http::Request& request, BindingKind kind) const;

 private:
  const Router& routes(BindingKind kind) const {
    return kind == BindingKind::vectorize ? vectorize_ : ai_;
  }

  const PreviewSessions& sessions_;
  Router ai_;
  Router vectorize_;
};

}  // namespace selvedge::api
