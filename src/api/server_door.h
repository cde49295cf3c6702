// Server door: everything that the API port answers, as the parts an http::Server needs.
#pragma once

#include <string>
#include <string_view>

#include "api/access_log.h"
#include "api/context.h"
#include "api/router.h"
#include "http/server.h"

namespace selvedge::api {

// Outlives the server that uses it. I/O thread only.
class ServerDoor {
 public:
  explicit ServerDoor(ApiContext context);
  ServerDoor(const ServerDoor&) = delete;
  ServerDoor& operator=(const ServerDoor&) = delete;

  // The returned functions refer to this door.
  http::Handler handler();
  // In the envelope under /client/v4, else plain JSON.
  http::ErrorBody error_body();
  // By route: 100 MB for writes of vectors, json_body_bytes_max for the rest.
  http::BodyLimit body_limit();

 private:
  void add_ai_routes();
  void add_vectorize_routes();
  void add_status_routes();
  void add_index_route(std::string method, std::string_view rest,
                       Result<std::string> (*call)(const ApiContext&, http::Request&,
                                                   const PathParameters&));
  asio::awaitable<http::Response> handle(http::Request request);
  asio::awaitable<http::Response> dispatch(http::Request& request);

  ApiContext context_;
  Router router_;
  RequestCounts counts_;
};

}  // namespace selvedge::api
