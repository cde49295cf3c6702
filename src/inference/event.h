// Event: lets coroutines of the I/O thread wait until something they look at may have changed.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace selvedge::inference {

namespace asio = boost::asio;

// A condition variable without a lock: everybody is on the I/O thread, so a waiter that checks its
// condition and then waits misses nothing. Waiters check again after every wait: it also ends when
// the waiting coroutine is cancelled. The event must outlive its waiters.
class Event {
 public:
  using TimePoint = asio::steady_timer::time_point;

  explicit Event(asio::io_context& io) : timer_(io, TimePoint::max()) {}

  // Any number of waiters.
  asio::awaitable<void> wait() { return wait_until(TimePoint::max()); }

  // One waiter at a time (a second one would move the moment of the first).
  asio::awaitable<void> wait_until(TimePoint until) {
    if (timer_.expiry() != until) timer_.expires_at(until);
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }

  void notify() { timer_.cancel(); }

 private:
  asio::steady_timer timer_;
};

}  // namespace selvedge::inference
