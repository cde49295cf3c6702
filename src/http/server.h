// Server: HTTP/1.1 on Asio coroutines; one coroutine a connection, all on one I/O thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "base/limits.h"
#include "base/result.h"
#include "http/message.h"

namespace selvedge::http {

// Answers one request. Cancelled when the client leaves before the answer is whole: by Asio's
// terminal cancellation of the operation it waits for, after which each further `co_await` fails,
// so that its coroutine unwinds. A client has left when the connection breaks, and also when it
// closes only its sending side while a handler or a stream is at work; before that, a closed
// sending side is the ordinary end of the last request. Exceptions become a 500.
using Handler = std::function<asio::awaitable<Response>(Request)>;

// Makes the body of an error that the server itself answers (400, 403 for a foreign Host or Origin,
// 408, 413, 415, 417, 431, 500, 503), in the shape that the door's clients read.
using ErrorBody = std::function<Response(int status, Code code, std::string_view message,
                                         const Request* request)>;

// The most body bytes this request may send, told before they are read (path and method are set,
// body is empty).
using BodyLimit = std::function<std::size_t(const Request&)>;

// Why a request is not handed to the handler. The connection is closed after the answer.
struct Refusal {
  int status = 400;
  Code code = Code::invalid_input;
  std::string message;
};

// Asked about the head of a request that has a body, before any of the body is read: a client
// without a right to be answered cannot make the server hold its bytes.
using Admission = std::function<std::optional<Refusal>(const Request&)>;

// Bounds of one server; the defaults are those of base/limits.h.
struct ServerLimits {
  std::size_t header_bytes_max = limits::header_bytes_max;
  std::size_t header_count_max = 128;  // Lines; browsers and SDKs send about 20.
  std::size_t bodies_in_flight_bytes_max = limits::bodies_in_flight_bytes_max;
  std::size_t connections_max = limits::connections_max;
  int header_ms_max = limits::header_ms_max;
  int body_ms_max = limits::body_ms_max;
  int keep_alive_ms_max = limits::keep_alive_ms_max;
  int stream_stall_ms_max = limits::stream_stall_ms_max;
};

struct ServerOptions {
  std::vector<std::string> addresses = {"127.0.0.1", "::1"};
  std::uint16_t port = 0;  // 0 = any free one, the same on every address.
  std::vector<std::string>
      allowed_hosts;  // Besides localhost, loopback addresses and *.localhost. "*" = all.
  // Names that programs use and no page of a browser has: served too, but never to a request with
  // an Origin header.
  std::vector<std::string> program_hosts;
  Handler handler;
  ErrorBody error_body;  // Empty: plain text.
  BodyLimit body_limit;  // Empty: json_body_bytes_max for all.
  Admission admission;   // Empty: all.
  ServerLimits limits;
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
  // cancels and closes all. Returns within half a second after the grace, also when a handler waits
  // for blocking work that cannot be interrupted.
  virtual asio::awaitable<void> shut_down(int grace_ms) = 0;
};

}  // namespace selvedge::http
