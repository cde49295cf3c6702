// Listening, accepting and ending.
#include "http/server.h"

#include <vector>

#include <boost/asio.hpp>

#include "base/log.h"
#include "http/connection.h"

namespace selvedge::http {
namespace {

using asio::ip::tcp;
using boost::system::error_code;

constexpr int kPairTries = 32;       // For one free port on every address.
constexpr int kAcceptPauseMs = 100;  // After accept failed, as with no file descriptor left.
constexpr int kUnwindMsMax = 400;    // Between the end of the grace and giving up.

std::string shown(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const bool v6 = endpoint.address().is_v6();
  return (v6 ? "[" + address + "]" : address) + ":" + std::to_string(endpoint.port());
}

error_code listen_on(tcp::acceptor& acceptor, const tcp::endpoint& endpoint) {
  error_code fault;
  acceptor.open(endpoint.protocol(), fault);
  if (fault) return fault;
  acceptor.set_option(asio::socket_base::reuse_address(true), fault);
  if (!fault && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), fault);
  if (!fault) acceptor.bind(endpoint, fault);
  if (!fault) acceptor.listen(asio::socket_base::max_listen_connections, fault);
  return fault;
}

bool is_missing_family(const error_code& fault) {
  return fault == asio::error::address_family_not_supported ||
         fault == boost::system::errc::address_not_available;
}

using Acceptors = std::vector<tcp::acceptor>;

Error cannot_listen(const tcp::endpoint& endpoint, const error_code& fault) {
  const bool taken = fault == asio::error::address_in_use;
  return Error{Code::io, "cannot listen on " + shown(endpoint) + ": " +
                             (taken ? "the port is already in use" : fault.message())};
}

// One try at one port on every address. With port 0 the first address picks it.
Result<Acceptors> listen_once(asio::io_context& io, const ServerOptions& options,
                              bool& pair_collided) {
  Acceptors acceptors;
  std::optional<Error> missing;
  std::uint16_t port = options.port;
  for (const std::string& text : options.addresses) {
    error_code fault;
    const auto address = asio::ip::make_address(text, fault);
    if (fault) return Error{Code::io, "cannot listen on " + text + ": not an IP address"};
    const tcp::endpoint endpoint(address, port);
    tcp::acceptor acceptor(io);
    fault = listen_on(acceptor, endpoint);
    if (is_missing_family(fault)) {
      missing = cannot_listen(endpoint, fault);
      continue;
    }
    if (fault) {
      pair_collided = options.port == 0 && port != 0 && fault == asio::error::address_in_use;
      return cannot_listen(endpoint, fault);
    }
    port = acceptor.local_endpoint().port();
    acceptors.push_back(std::move(acceptor));
  }
  if (acceptors.empty()) return missing.value_or(Error{Code::io, "no address to listen on"});
  return acceptors;
}

Result<Acceptors> listen_on_all(asio::io_context& io, const ServerOptions& options) {
  for (int tries = 1;; ++tries) {
    bool pair_collided = false;
    auto acceptors = listen_once(io, options, pair_collided);
    if (acceptors.ok() || !pair_collided || tries == kPairTries) return acceptors;
  }
}

class ServerImpl final : public Server {
 public:
  ServerImpl(asio::io_context& io, Acceptors acceptors, ServerOptions options)
      : executor_(io.get_executor()),
        acceptors_(std::make_shared<Acceptors>(std::move(acceptors))),
        state_(std::make_shared<ServerState>()),
        port_(acceptors_->front().local_endpoint().port()) {
    state_->bodies.bytes_max = options.limits.bodies_in_flight_bytes_max;
    state_->options = std::move(options);
    for (std::size_t at = 0; at < acceptors_->size(); ++at)
      asio::co_spawn(executor_, accept(acceptors_, at, state_), asio::detached);
  }

  ~ServerImpl() override {
    stop_accepting();
    stop_all();
  }
  ServerImpl(const ServerImpl&) = delete;
  ServerImpl& operator=(const ServerImpl&) = delete;

  std::uint16_t port() const override { return port_; }
  std::size_t connections() const override { return state_->connections.size(); }

  asio::awaitable<void> shut_down(int grace_ms) override {
    const auto state = state_;
    stop_accepting();
    state->ending = true;
    stop_all([](const Connection& connection) { return connection.idle(); });
    co_await until_empty(state, grace_ms);
    stop_all();
    co_await until_empty(state, kUnwindMsMax);
    if (!state->connections.empty())
      log::warn("http: {} answers still wait for work that cannot be interrupted",
                state->connections.size());
  }

 private:
  // Holds all it needs: it may outlive the server by one turn.
  static asio::awaitable<void> accept(std::shared_ptr<Acceptors> all, std::size_t at,
                                      std::shared_ptr<ServerState> state) {
    tcp::acceptor& acceptor = all->at(at);
    const auto executor = co_await asio::this_coro::executor;
    const auto token = asio::as_tuple(asio::use_awaitable);
    while (!state->ending && acceptor.is_open()) {
      auto [fault, socket] = co_await acceptor.async_accept(token);
      if (fault == asio::error::operation_aborted || !acceptor.is_open()) break;
      if (fault) {
        asio::steady_timer pause(executor, std::chrono::milliseconds(kAcceptPauseMs));
        co_await pause.async_wait(token);
        continue;
      }
      if (state->connections.size() >= state->options.limits.connections_max) {
        refuse(socket);
        continue;
      }
      std::make_shared<Connection>(state, std::move(socket))->start(executor);
    }
  }

  // As much of an answer as costs nothing: the kernel's buffer takes it, or it is dropped.
  static void refuse(tcp::socket& socket) {
    static constexpr std::string_view kBusy =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n"
        "Connection: close\r\n\r\n";
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(kBusy), ignored);
    socket.shutdown(tcp::socket::shutdown_send, ignored);
  }

  void stop_accepting() {
    error_code ignored;
    for (auto& acceptor : *acceptors_) acceptor.close(ignored);
  }

  template <class Choose>
  void stop_all(Choose chosen) {
    // A copy: a connection that ends leaves the map.
    std::vector<std::shared_ptr<Connection>> all;
    for (const auto& entry : state_->connections) {
      auto connection = entry.second.lock();
      if (connection && chosen(*connection)) all.push_back(std::move(connection));
    }
    for (const auto& connection : all) connection->stop();
  }
  void stop_all() {
    stop_all([](const Connection&) { return true; });
  }

  static asio::awaitable<void> until_empty(std::shared_ptr<ServerState> state, int ms_max) {
    if (state->connections.empty()) co_return;
    const auto executor = co_await asio::this_coro::executor;
    auto timer = std::make_shared<asio::steady_timer>(executor, std::chrono::milliseconds(ms_max));
    state->on_removed = [timer, raw = state.get()] {
      if (raw->connections.empty()) timer->cancel();
    };
    const auto token = asio::as_tuple(asio::use_awaitable);
    co_await timer->async_wait(token);
    state->on_removed = nullptr;
  }

  asio::any_io_executor executor_;
  std::shared_ptr<Acceptors> acceptors_;
  std::shared_ptr<ServerState> state_;
  std::uint16_t port_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(asio::io_context& io, ServerOptions options) {
  SEL_CHECK(options.handler != nullptr);
  SEL_TRY(acceptors, listen_on_all(io, options));
  return std::unique_ptr<Server>(
      std::make_unique<ServerImpl>(io, std::move(acceptors), std::move(options)));
}

}  // namespace selvedge::http
