// until: a coroutine waits for what can only be asked about.
#pragma once

#include <algorithm>
#include <chrono>

#include <boost/asio.hpp>

namespace selvedge {

namespace asio = boost::asio;

// Asks `done`, which must not block, until it says true: at once, then after pauses that grow to a
// twentieth of a second. A cancelled coroutine fails at the next pause.
template <class Done>
asio::awaitable<void> until(Done done) {
  constexpr std::chrono::milliseconds kPauseMost{50};
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (std::chrono::milliseconds pause{1}; !done(); pause = std::min(2 * pause, kPauseMost)) {
    timer.expires_after(pause);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

}  // namespace selvedge
