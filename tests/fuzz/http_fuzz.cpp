// Fuzzes the HTTP server: where the bytes of a connection are cut must not matter to what it
// serves, and what it serves it answers.
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "http/connection.h"

namespace {

namespace asio = boost::asio;
namespace http = selvedge::http;

// What reached the handler, and what the client read, but for the dates.
struct Served {
  std::vector<std::string> requests;
  std::string answers;
  bool operator==(const Served&) const = default;
};

asio::awaitable<http::Response> handle(Served& served, http::Request request) {
  std::string text = request.method + ' ' + request.target + '\n';
  for (const auto& [name, value] : request.query) text += name + '=' + value + '\n';
  served.requests.push_back(text + request.body);
  http::Response response;
  response.headers.set("content-type", "text/plain");
  response.body = "served";
  co_return std::move(response);
}

void drain(int socket, std::string& answers) {
  std::array<char, 4096> buffer{};
  while (true) {
    const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got <= 0) return;
    answers.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

// Until nothing is left to do but wait for the client.
void settle(asio::io_context& io, int socket, std::string& answers) {
  do {
    drain(socket, answers);
  } while (io.poll() != 0);
  drain(socket, answers);
}

Served serve(std::string_view bytes, std::size_t cut) {
  std::array<int, 2> ends{};
  SEL_CHECK(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
  Served served;
  asio::io_context io{1};
  auto state = std::make_shared<http::ServerState>();
  state->options.handler = [&served](http::Request request) {
    return handle(served, std::move(request));
  };
  state->options.body_limit = [](const http::Request&) { return std::size_t{64 * 1024}; };
  asio::ip::tcp::socket socket(io);
  socket.assign(asio::ip::tcp::v4(), ends[0]);
  std::make_shared<http::Connection>(state, std::move(socket))->start(io.get_executor());
  for (const std::string_view part : {bytes.substr(0, cut), bytes.substr(cut)}) {
    // A connection that was closed takes no more: EPIPE.
    static_cast<void>(!::send(ends[1], part.data(), part.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
    settle(io, ends[1], served.answers);
  }
  ::shutdown(ends[1], SHUT_WR);
  settle(io, ends[1], served.answers);
  ::close(ends[1]);
  while (io.poll() != 0) {
  }
  SEL_CHECK(state->connections.empty());
  return served;
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3 || size > 32 * 1024) return 0;
  const std::size_t wanted = data[0] | static_cast<std::size_t>(data[1]) << 8;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Served whole = serve(bytes, bytes.size());
  const Served cut = serve(bytes, wanted % bytes.size());
  SEL_CHECK(whole.requests == cut.requests);
  SEL_CHECK(count(whole.answers, "HTTP/1.") >= whole.requests.size());
  return 0;
}
