// Binding request: headers in front of headers, taken apart.
#include "api/binding_request.h"

#include <algorithm>
#include <string>
#include <utility>

#include "api/auth.h"
#include "http/head.h"

namespace selvedge::api {
namespace {

constexpr std::string_view kForwarded = "mf-header-";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool begins_caseless(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), text.begin(),
                                                    [](char a, char b) { return a == lower(b); });
}

std::optional<BindingKind> kind_of_host(std::string_view host) {
  if (host == kAiBindingHost) return BindingKind::ai;
  if (host == kVectorizeBindingHost) return BindingKind::vectorize;
  return std::nullopt;
}

// The account of "…/accounts/<account>/ai/run/proxy"; empty for every other path.
std::string_view proxy_account(std::string_view path) {
  constexpr std::string_view kBegin = "/client/v4/accounts/";
  constexpr std::string_view kEnd = "/ai/run/proxy";
  if (path.size() <= kBegin.size() + kEnd.size()) return {};
  if (!path.starts_with(kBegin) || !path.ends_with(kEnd)) return {};
  path.remove_prefix(kBegin.size());
  path.remove_suffix(kEnd.size());
  return path.find('/') == std::string_view::npos ? path : std::string_view();
}

// What the binding asked for, of a forwarded request; nullopt of one that came straight.
std::optional<std::string> forwarded_url(const http::Request& request) {
  if (request.headers.has("mf-url")) return std::string(request.headers.get("mf-url"));
  if (request.headers.has("x-forwarded") && !proxy_account(request.path).empty()) {
    return std::string(request.headers.get("x-forwarded"));
  }
  return std::nullopt;
}

// Of the form with `mf-url`: the headers that the binding wrote, and of the outer ones those that
// route.
http::Headers inner_headers(const http::Headers& outer) {
  http::Headers inner;
  for (const auto& [name, value] : outer.all()) {
    if (begins_caseless(name, kForwarded)) {
      std::string bare = name.substr(kForwarded.size());
      const bool routing =
          begins_caseless(bare, "selvedge-account") || begins_caseless(bare, "selvedge-index");
      if (!bare.empty() && !routing) inner.add(std::move(bare), value);
    }
  }
  for (const char* name :
       {"mf-binding", "selvedge-account", "selvedge-index", "cf-workers-preview-token"}) {
    if (outer.has(name)) inner.set(name, std::string(outer.get(name)));
  }
  return inner;
}

// Account and index of the session, where the request does not tell them itself.
Status fill_from_session(http::Request& request, const PreviewSessions& sessions) {
  const std::string token(request.headers.get("cf-workers-preview-token"));
  if (token.empty()) return ok_status();
  const PreviewSession* session = sessions.find(token);
  if (session == nullptr) {
    return Error{Code::invalid_input,
                 "Invalid Workers Preview configuration: this session is not known any more"};
  }
  if (!request.headers.has("selvedge-account")) {
    request.headers.set("selvedge-account", session->account);
  }
  const auto index = session->indexes.find(request.headers.get("mf-binding"));
  if (!request.headers.has("selvedge-index") && index != session->indexes.end()) {
    request.headers.set("selvedge-index", index->second);
  }
  return ok_status();
}

}  // namespace

std::optional<BindingKind> binding_kind(const http::Request& request) {
  if (const auto url = forwarded_url(request)) {
    http::Request inner;
    const auto read = http::read_target(*url, inner);
    return read.ok() ? kind_of_host(inner.host).value_or(BindingKind::unknown)
                     : BindingKind::unknown;
  }
  if (const auto kind = kind_of_host(request.host)) return kind;
  const bool rpc = request.headers.has("upgrade") && request.query_value("MF-Binding").has_value();
  if (rpc) return BindingKind::rpc;
  return std::nullopt;
}

std::string binding_path(const http::Request& request) {
  const auto url = forwarded_url(request);
  if (!url) return request.path;
  http::Request inner;
  const auto read = http::read_target(*url, inner);
  return read.ok() ? std::move(inner.path) : std::string();
}

Status unwrap_binding(http::Request& request, const PreviewSessions& sessions) {
  if (const auto url = forwarded_url(request)) {
    http::Request inner;
    if (!http::read_target(*url, inner).ok()) {
      return Error{Code::invalid_input, "the forwarded URL is none"};
    }
    const std::string account(proxy_account(request.path));
    request.target = *url;
    request.path = std::move(inner.path);
    request.query = std::move(inner.query);
    request.host = std::move(inner.host);
    if (request.headers.has("mf-url")) {
      request.headers = inner_headers(request.headers);
    } else {
      request.headers.set("selvedge-account", account);
    }
  }
  SEL_CHECK_OK(fill_from_session(request, sessions));
  if (!request.headers.has("selvedge-account")) {
    request.headers.set("selvedge-account", std::string(kLocalAccount));
  }
  if (!valid_account(request.headers.get("selvedge-account"))) {
    return Error{Code::invalid_input, "selvedge-account is not an account id"};
  }
  return ok_status();
}

}  // namespace selvedge::api
