// Server: HTTP/1.1 on Asio coroutines; one coroutine a connection, all on one I/O thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "base/result.h"
#include "http/message.h"

namespace selvedge::http {

// Answers one request. Cancelled (its coroutine is destroyed at its next suspension, by Asio's
// cancellation of the pending operation) when the client closes the connection before the answer is
// whole. Exceptions become a 500.
using Handler = std::function<asio::awaitable<Response>(Request)>;

// Makes the body of an error that the server itself answers (400, 408, 413, 429, 431, 403 for a
// foreign Host), in the shape that the door's clients read.
using ErrorBody = std::function<Response(int status, Code code, std::string_view message,
                                         const Request* request)>;

// The most body bytes this request may send, told before they are read (path and method are set,
// body is empty).
using BodyLimit = std::function<std::size_t(const Request&)>;

struct ServerOptions {
  std::vector<std::string> addresses = {"127.0.0.1", "::1"};
  std::uint16_t port = 0;  // 0 = any free one, the same on every address.
  std::vector<std::string>
      allowed_hosts;  // Besides localhost, loopback addresses and *.localhost. "*" = all.
  Handler handler;
  ErrorBody error_body;
  BodyLimit body_limit;
  std::string server_name = "selvedge";
};

// Created, used and destroyed on the thread that runs `io`.
class Server {
 public:
  // Listens at once on every address (an address family that the machine lacks is skipped, if one
  // remains). Errors: io (the message names address and port, and says when it is in use).
  static Result<std::unique_ptr<Server>> start(asio::io_context& io, ServerOptions options);
  virtual ~Server() = default;

  virtual std::uint16_t port() const = 0;
  virtual std::size_t connections() const = 0;

  // Stops accepting, closes idle connections, lets running answers end for up to `grace_ms`, then
  // closes all.
  virtual asio::awaitable<void> shut_down(int grace_ms) = 0;
};

}  // namespace selvedge::http
