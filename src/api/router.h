// Router: from method and path to a handler.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.h"

namespace selvedge::api {

namespace asio = boost::asio;

// What the path's pattern caught: {account} is "account".
class PathParameters {
 public:
  void add(std::string name, std::string value);
  // Empty when the pattern has no such name.
  std::string_view get(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> all_;
};

// `request` may be emptied by the handler; both references live until the coroutine ends.
using RouteHandler =
    std::function<asio::awaitable<http::Response>(http::Request& request, const PathParameters&)>;

// The handler's answer where nothing is waited for.
asio::awaitable<http::Response> at_once(http::Response response);

struct Route {
  std::string method;
  // Segments are exact, `{name}` (one segment, not empty) or, last, `{name...}` (the rest, slashes
  // kept, not empty).
  std::string pattern;
  RouteHandler handler;
  std::size_t body_bytes_max = 0;
};

// Built once, then only read. Of several patterns that match, the first added counts.
class Router {
 public:
  void add(Route route);

  struct Found {
    const Route* route = nullptr;  // Null: nothing for this method.
    PathParameters parameters;
    std::vector<std::string> allowed;  // Methods of the path; empty: no such path.
  };
  // HEAD is served by GET's route; OPTIONS is listed in `allowed` and never a route. A slash at the
  // end of the path makes no difference.
  Found find(std::string_view method, std::string_view path) const;

  // "GET /a/{b}" for each route, in the order added.
  std::vector<std::string> operations() const;

 private:
  struct Entry {
    Route route;
    std::vector<std::string> segments;
  };
  std::vector<Entry> entries_;
};

// "GET, HEAD, OPTIONS"
std::string allow_header(const std::vector<std::string>& methods);

}  // namespace selvedge::api
