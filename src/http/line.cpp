// Non-blocking reads and writes first, a wait with a deadline only when the socket has nothing: the
// usual small answer costs one system call and no timer.
#include "http/line.h"

#include <algorithm>

#include <boost/asio.hpp>
#include <poll.h>

namespace selvedge::http {
namespace {

using asio::ip::tcp;
using boost::system::error_code;

// Bytes after which a busy connection lets the others have a turn: about half a millisecond.
constexpr std::size_t kTurnBytes = 1024 * 1024;

constexpr std::size_t kReadBytesMax = 64 * 1024;  // At once.

std::string shown(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const bool v6 = endpoint.address().is_v6();
  return (v6 ? "[" + address + "]" : address) + ":" + std::to_string(endpoint.port());
}

}  // namespace

Line::Line(tcp::socket socket) : socket_(std::move(socket)), timer_(socket_.get_executor()) {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.set_option(tcp::socket::keep_alive(true), ignored);
  const auto remote = socket_.remote_endpoint(ignored);
  if (!ignored) peer_ = remote.address().to_string();
  const auto local = socket_.local_endpoint(ignored);
  if (!ignored) local_ = shown(local);
}

void Line::take(std::size_t bytes) {
  taken_ += bytes;
  if (taken_ < input_.size()) return;
  taken_ = 0;
  // Thousands of idle streams should not hold a buffer each.
  std::string().swap(input_);
}

Line::Got Line::read_now(std::size_t bytes_max) {
  if (closed_) return Got::end;
  if (taken_ > 0) {
    input_.erase(0, taken_);
    taken_ = 0;
  }
  std::array<char, kReadBytesMax> bytes;  // Only what came is kept, and nothing is zeroed for it.
  error_code fault;
  const std::size_t count =
      socket_.read_some(asio::buffer(bytes.data(), std::min(bytes_max, bytes.size())), fault);
  input_.append(bytes.data(), count);
  moved_bytes_ += count;
  if (fault == asio::error::would_block || fault == asio::error::try_again) return Got::nothing;
  return fault ? Got::end : Got::bytes;
}

asio::awaitable<void> Line::wait(tcp::socket::wait_type what, Clock::time_point deadline) {
  const std::uint64_t armed = ++armed_;
  timer_.expires_at(deadline);
  timer_.async_wait([self = shared_from_this(), armed](error_code fault) {
    error_code ignored;
    if (!fault && armed == self->armed_) self->socket_.cancel(ignored);
  });
  const auto token = asio::as_tuple(asio::use_awaitable);
  co_await socket_.async_wait(what, token);
  ++armed_;
  timer_.cancel();
  moved_bytes_ = 0;
}

asio::awaitable<void> Line::yield() {
  moved_bytes_ = 0;
  co_await asio::post(socket_.get_executor(), asio::use_awaitable);
}

asio::awaitable<Line::Got> Line::read(Clock::time_point deadline, std::size_t bytes_max) {
  if (moved_bytes_ > kTurnBytes) co_await yield();
  while (true) {
    // The clock comes first, so that a client that always has one more byte is late as well.
    if (Clock::now() >= deadline) co_return Got::late;
    const Got got = read_now(bytes_max);
    if (got != Got::nothing) co_return got;
    co_await wait(tcp::socket::wait_read, deadline);
  }
}

asio::awaitable<bool> Line::write(Parts parts, int stall_ms_max) {
  std::array<asio::const_buffer, 3> buffers;
  std::transform(parts.begin(), parts.end(), buffers.begin(),
                 [](std::string_view part) { return asio::buffer(part.data(), part.size()); });
  std::size_t left = asio::buffer_size(buffers);
  auto deadline = Clock::now() + std::chrono::milliseconds(stall_ms_max);
  while (left > 0) {
    if (moved_bytes_ > kTurnBytes) co_await yield();
    if (closed_) co_return false;
    error_code fault;
    std::size_t count = socket_.write_some(buffers, fault);
    if (fault == asio::error::would_block || fault == asio::error::try_again) {
      if (Clock::now() >= deadline) co_return false;
      co_await wait(tcp::socket::wait_write, deadline);
      continue;
    }
    if (fault) co_return false;
    left -= count;
    moved_bytes_ += count;
    deadline = Clock::now() + std::chrono::milliseconds(stall_ms_max);
    for (auto& buffer : buffers) {
      const std::size_t step = std::min(count, buffer.size());
      buffer += step;
      count -= step;
    }
  }
  co_return true;
}

void Line::watch(std::size_t ahead_bytes_max, std::function<void()> on_gone) {
  ahead_bytes_max_ = ahead_bytes_max;
  on_gone_ = std::move(on_gone);
  watch_on(++watch_);
}

void Line::watch_on(std::uint64_t watch) {
  // With a full buffer only a broken connection can still be seen.
  const bool full = input().size() >= ahead_bytes_max_;
  socket_.async_wait(full ? tcp::socket::wait_error : tcp::socket::wait_read,
                     [self = shared_from_this(), watch, full](error_code fault) {
                       if (!fault && watch == self->watch_) self->sign(watch, full);
                     });
}

void Line::sign(std::uint64_t watch, bool full) {
  bool gone = false;
  if (full) {
    pollfd state{socket_.native_handle(), 0, 0};
    // Urgent data ends this wait too; it says nothing about leaving, and is not waited for again.
    gone = ::poll(&state, 1, 0) > 0 && (state.revents & (POLLERR | POLLHUP)) != 0;
    if (!gone) return;
  } else {
    gone = read_now(std::min<std::size_t>(4096, ahead_bytes_max_ - input().size())) == Got::end;
  }
  if (!gone) return watch_on(watch);
  const auto on_gone = std::move(on_gone_);
  stop_watching();
  if (on_gone) on_gone();
}

void Line::stop_watching() {
  ++watch_;
  on_gone_ = nullptr;
  error_code ignored;
  socket_.cancel(ignored);
}

asio::awaitable<void> Line::linger(int ms_max) {
  if (closed_) co_return;
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  const auto deadline = Clock::now() + std::chrono::milliseconds(ms_max);
  Got got = Got::bytes;
  while (got == Got::bytes) {
    take(input().size());
    got = co_await read(deadline, 16 * 1024);
  }
}

void Line::close() {
  if (closed_) return;
  closed_ = true;
  ++watch_;
  ++armed_;
  on_gone_ = nullptr;
  timer_.cancel();
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace selvedge::http
