// Connection: one client, one coroutine: read a request, answer it, and again.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "http/body_sink.h"
#include "http/line.h"
#include "http/request_reader.h"
#include "http/server.h"

namespace selvedge::http {

class Connection;

// What the connections of one server share. They hold it, so it outlives the server when a handler
// is still waiting for work that cannot be interrupted.
struct ServerState {
  ServerOptions options;
  BodyBudget bodies;
  std::unordered_map<Connection*, std::weak_ptr<Connection>> connections;  // Those that run.
  bool ending = false;               // Shutting down: no request after the current one.
  std::function<void()> on_removed;  // A connection has gone.
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<ServerState> state, asio::ip::tcp::socket socket);

  // Adds itself to the state and runs until the connection ends.
  void start(const asio::any_io_executor& executor);
  // Ends at once: cancels the handler or stream at work, and closes.
  void stop();
  // True while no request is being read or answered.
  bool idle() const { return idle_; }

 private:
  asio::awaitable<void> run();
  asio::awaitable<bool> serve_one();
  asio::awaitable<bool> answer(Incoming incoming);
  asio::awaitable<std::optional<Response>> call_handler(Request request);
  asio::awaitable<bool> send(Response response, const Incoming& incoming, bool keep_alive);
  asio::awaitable<bool> send_pieces(BodyStream& stream, bool chunked);
  Response error_response(int status, Code code, const std::string& message,
                          const Request* request) const;
  void leave();

  std::shared_ptr<ServerState> state_;
  std::shared_ptr<Line> line_;
  RequestReader reader_;
  asio::cancellation_signal signal_;
  bool idle_ = true;
  bool gone_ = false;  // The client left, or the server ends: nothing more is sent.
};

}  // namespace selvedge::http
