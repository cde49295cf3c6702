// Testing: a real server on its own thread, and raw sockets that speak to it byte by byte.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "http/server.h"

namespace selvedge::http::testing {

// Starts in the constructor; the destructor shuts down without grace.
class ServerThread {
 public:
  explicit ServerThread(ServerOptions options);
  ~ServerThread();
  ServerThread(const ServerThread&) = delete;
  ServerThread& operator=(const ServerThread&) = delete;

  std::uint16_t port() const { return port_; }
  std::string url(std::string_view path) const;
  std::size_t connections();
  // Runs on the server's thread and waits for it.
  void on_thread(const std::function<void()>& function);
  // Shuts down and returns how long that took.
  std::chrono::milliseconds shut_down(int grace_ms);

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::uint16_t port_ = 0;
};

// A blocking TCP client. Reads give up after `wait_ms`.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, const char* address = "127.0.0.1");
  RawClient(RawClient&& other) noexcept;
  RawClient& operator=(RawClient&& other) = delete;
  ~RawClient();

  void send(std::string_view bytes) const;
  // Closes our sending side only.
  void half_close() const;
  void close();
  // Closes with RST.
  void reset();
  // Reads until `end` was seen, the server closed, or the wait is over; returns what came.
  std::string read_until(std::string_view end, int wait_ms = 3'000);
  // Reads one response with Content-Length or chunks; keeps what follows it.
  std::string read_response(int wait_ms = 3'000);
  // Reads to the end; `closed` tells whether the server closed.
  std::string read_all(int wait_ms = 3'000);
  bool closed() const { return closed_; }

 private:
  bool fill(std::chrono::steady_clock::time_point deadline);
  int socket_ = -1;
  bool closed_ = false;
  std::string input_;
};

// Waits up to `wait_ms` for `condition`.
bool eventually(const std::function<bool()>& condition, int wait_ms = 3'000);

// The status of the first response in `bytes`, or 0.
int status_of(std::string_view bytes);
// What follows the first head.
std::string body_of(std::string_view bytes);

}  // namespace selvedge::http::testing
