// Binding request: recognises what the bindings of a Worker send, in both of its framings.
#pragma once

#include <optional>
#include <string_view>

#include "api/preview_sessions.h"
#include "base/result.h"
#include "http/message.h"

namespace selvedge::api {

// The hosts that the bindings ask; no name service knows where they are, and need not.
inline constexpr std::string_view kAiBindingHost = "workers-binding.ai";
inline constexpr std::string_view kVectorizeBindingHost = "vector-search";

// The account of a request that names none: what wrangler uses with CLOUDFLARE_ACCOUNT_ID=local,
// and the default of this program's own verbs.
inline constexpr std::string_view kLocalAccount = "local";

enum class BindingKind {
  ai,
  vectorize,
  rpc,      // A WebSocket for remote calls.
  unknown,  // Forwarded, but to another host.
};

// What binding sent `request`, if one did: told by its `mf-url` header, or by `x-forwarded` of
// older clients at …/ai/run/proxy; else by the host it asks for; else by the query of a WebSocket.
// Source: docs/compatibility.md#bindings.
std::optional<BindingKind> binding_kind(const http::Request& request);

// Makes a call of kind `ai` or `vectorize` what the binding itself wrote: of one that was
// forwarded, the path, query and host of that URL, and with `mf-url` each `mf-header-<name>` as
// <name>. `selvedge-account` and `selvedge-index` then tell whose and which index, from the header,
// the proxy's path or the session behind `cf-workers-preview-token`; the index may be missing.
// Errors: invalid_input (a bad URL or account; a session that is not known any more, in words at
// which wrangler opens another one).
Status unwrap_binding(http::Request& request, const PreviewSessions& sessions);

// The request's path as unwrap_binding would set it; empty when mf-url is bad.
std::string binding_path(const http::Request& request);

}  // namespace selvedge::api
