// Server door: everything that the API port answers, in the parts an http::Server asks for.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/access_log.h"
#include "api/binding_door.h"
#include "api/call_names.h"
#include "api/context.h"
#include "api/preview_sessions.h"
#include "api/router.h"
#include "http/server.h"

namespace selvedge::api {

// Outlives the server that uses it. I/O thread only.
class ServerDoor {
 public:
  explicit ServerDoor(ApiContext context);
  ServerDoor(const ServerDoor&) = delete;
  ServerDoor& operator=(const ServerDoor&) = delete;

  asio::awaitable<http::Response> handle(http::Request request);

  // http::ErrorBody: in the form of the binding that asks, in the envelope under /client/v4, else
  // plain JSON.
  http::Response error_body(int status, Code code, std::string_view message,
                            const http::Request* request) const;

  // http::BodyLimit, by route: 100 MB for writes of vectors, json_body_bytes_max for the rest.
  std::size_t body_limit(const http::Request& request) const;

  // http::Admission: without a token, where one is asked for, no body is read.
  std::optional<http::Refusal> admission(const http::Request& request) const;

  const Router& router() const { return generous_.router; }

 private:
  // Everything that is answered, under one set of rules: a handler knows no others, however long
  // its batch or its stream lives.
  struct Ruled {
    Ruled(ApiContext made, PreviewSessions& sessions);
    ApiContext context;
    BindingDoor bindings;
    Router router;
  };

  Status check_caller(const http::Request& request) const;
  // By the request's own switch, else by the server's.
  const Ruled& ruled(const http::Request& request) const;
  void add_status_routes(Router& router);
  CallNames call_names(http::Request& request) const;
  // What dispatch() answers, after what the test kit has to do with it.
  asio::awaitable<http::Response> answer(http::Request& request, const Ruled& by);
  asio::awaitable<http::Response> dispatch(http::Request& request, const Ruled& by);

  ApiContext context_;
  PreviewSessions sessions_;
  std::string openapi_;  // The document served at /openapi.json.
  RequestCounts counts_;
  Ruled generous_;
  Ruled strict_;
};

}  // namespace selvedge::api
