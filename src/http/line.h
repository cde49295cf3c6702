// Line: one client's TCP connection: reading ahead, deadlines, and a watch for the client's
// leaving.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

namespace selvedge::http {

namespace asio = boost::asio;

// Used on the I/O thread only. Always held by a shared_ptr: pending operations keep it alive.
class Line : public std::enable_shared_from_this<Line> {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Got : std::uint8_t { bytes, nothing, end, late };
  using Parts = std::array<std::string_view, 3>;

  explicit Line(asio::ip::tcp::socket socket);

  // What was read and not yet taken.
  std::string_view input() const { return std::string_view(input_).substr(taken_); }
  void take(std::size_t bytes);

  // Waits for more input, at most `bytes_max` and 64 KB. Never `nothing`; `end` also for a broken
  // connection and after close().
  asio::awaitable<Got> read(Clock::time_point deadline, std::size_t bytes_max);

  // Sends the parts, one after the other. False when the client is gone, or took nothing for
  // `stall_ms_max`. The parts are borrowed until it returns.
  asio::awaitable<bool> write(Parts parts, int stall_ms_max);

  // Lets other connections have a turn.
  asio::awaitable<void> yield();

  // Until stop_watching(): reads ahead up to `ahead_bytes_max`, and calls `on_gone` once when the
  // client has closed its side (half or whole) or the connection broke. Not together with read().
  void watch(std::size_t ahead_bytes_max, std::function<void()> on_gone);
  void stop_watching();

  // Ends our side and discards what the client still sends, until it closes or `ms_max` is over: a
  // close with unread bytes would reset the connection, and the client might lose our last answer.
  asio::awaitable<void> linger(int ms_max);

  void close();
  std::string peer() const { return peer_; }
  // "127.0.0.1:7358", or empty when the connection had gone already.
  std::string local() const { return local_; }

 private:
  Got read_now(std::size_t bytes_max);
  asio::awaitable<void> wait(asio::ip::tcp::socket::wait_type what, Clock::time_point deadline);
  void watch_on(std::uint64_t watch);
  void sign(std::uint64_t watch, bool full);

  asio::ip::tcp::socket socket_;
  asio::steady_timer timer_;
  std::string peer_;
  std::string local_;
  std::string input_;
  std::size_t taken_ = 0;
  std::size_t moved_bytes_ = 0;  // Without a pause; see yield().
  std::uint64_t armed_ = 0;      // Number of the current deadline.
  std::uint64_t watch_ = 0;      // Number of the current watch.
  std::size_t ahead_bytes_max_ = 0;
  std::function<void()> on_gone_;
  bool closed_ = false;
};

}  // namespace selvedge::http
