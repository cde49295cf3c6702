// Implementation of testing.h: in the test binary only.
#include "http/testing.h"

#include <future>

#include <arpa/inet.h>
#include <boost/asio.hpp>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace selvedge::http::testing {

using Clock = std::chrono::steady_clock;

struct ServerThread::State {
  asio::io_context io;
  asio::executor_work_guard<asio::io_context::executor_type> guard{io.get_executor()};
  std::unique_ptr<Server> server;
  std::thread thread;
};

ServerThread::ServerThread(ServerOptions options) : state_(std::make_unique<State>()) {
  auto started = Server::start(state_->io, std::move(options));
  if (!started.ok()) {
    ADD_FAILURE() << started.error().message;
    return;
  }
  state_->server = std::move(started).value();
  port_ = state_->server->port();
  state_->thread = std::thread([this] { state_->io.run(); });
}

ServerThread::~ServerThread() {
  if (!state_->server) return;
  shut_down(0);
  on_thread([this] { state_->server.reset(); });
  state_->guard.reset();
  state_->io.stop();
  state_->thread.join();
}

std::string ServerThread::url(std::string_view path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
}

void ServerThread::on_thread(const std::function<void()>& function) {
  const auto done = std::make_shared<std::promise<void>>();
  asio::post(state_->io, [&function, done] {
    function();
    done->set_value();
  });
  done->get_future().wait();
}

std::size_t ServerThread::connections() {
  std::size_t count = 0;
  on_thread([&] { count = state_->server->connections(); });
  return count;
}

std::chrono::milliseconds ServerThread::shut_down(int grace_ms) {
  const auto begin = Clock::now();
  auto done = asio::co_spawn(state_->io, state_->server->shut_down(grace_ms), asio::use_future);
  done.wait();
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
}

RawClient::RawClient(std::uint16_t port, const char* address) {
  const bool v6 = std::string_view(address).find(':') != std::string_view::npos;
  socket_ = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int result = -1;
  if (v6) {
    sockaddr_in6 to = {};
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(port);
    ::inet_pton(AF_INET6, address, &to.sin6_addr);
    result = ::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to);
  } else {
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    ::inet_pton(AF_INET, address, &to.sin_addr);
    result = ::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to);
  }
  EXPECT_EQ(result, 0) << "cannot connect to " << address << " port " << port;
}

RawClient::RawClient(RawClient&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      closed_(other.closed_),
      input_(std::move(other.input_)) {}

RawClient::~RawClient() { close(); }

void RawClient::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void RawClient::half_close() const { ::shutdown(socket_, SHUT_WR); }

void RawClient::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

void RawClient::reset() {
  const linger hard{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close();
}

bool RawClient::fill(Clock::time_point deadline) {
  if (closed_) return false;
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  pollfd state{socket_, POLLIN, 0};
  if (left <= 0 || ::poll(&state, 1, static_cast<int>(left)) <= 0) return false;
  std::array<char, 65536> bytes;
  const ssize_t count = ::recv(socket_, bytes.data(), bytes.size(), 0);
  if (count <= 0) {
    closed_ = true;
    return false;
  }
  input_.append(bytes.data(), static_cast<std::size_t>(count));
  return true;
}

std::string RawClient::read_until(std::string_view end, int wait_ms) {
  const auto deadline = Clock::now() + std::chrono::milliseconds(wait_ms);
  std::size_t at = std::string::npos;
  while ((at = input_.find(end)) == std::string::npos && fill(deadline)) {
  }
  const std::size_t bytes = at == std::string::npos ? input_.size() : at + end.size();
  std::string result = input_.substr(0, bytes);
  input_.erase(0, bytes);
  return result;
}

std::string RawClient::read_response(int wait_ms) {
  std::string result = read_until("\r\n\r\n", wait_ms);
  const std::size_t at = result.find("Content-Length: ");
  if (at != std::string::npos) {
    const auto length = static_cast<std::size_t>(std::stoul(result.substr(at + 16)));
    const auto deadline = Clock::now() + std::chrono::milliseconds(wait_ms);
    while (input_.size() < length && fill(deadline)) {
    }
    result += input_.substr(0, length);
    input_.erase(0, length);
  } else if (result.find("chunked") != std::string::npos) {
    result += read_until("0\r\n\r\n", wait_ms);
  }
  return result;
}

std::string RawClient::read_all(int wait_ms) {
  const auto deadline = Clock::now() + std::chrono::milliseconds(wait_ms);
  while (fill(deadline)) {
  }
  return std::exchange(input_, {});
}

bool eventually(const std::function<bool()>& condition, int wait_ms) {
  const auto deadline = Clock::now() + std::chrono::milliseconds(wait_ms);
  while (!condition()) {
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

int status_of(std::string_view bytes) {
  if (!bytes.starts_with("HTTP/1.1 ") || bytes.size() < 12) return 0;
  return std::stoi(std::string(bytes.substr(9, 3)));
}

std::string body_of(std::string_view bytes) {
  const std::size_t at = bytes.find("\r\n\r\n");
  return at == std::string_view::npos ? "" : std::string(bytes.substr(at + 4));
}

}  // namespace selvedge::http::testing
