// offload: runs a blocking function on a worker pool and resumes the awaiting coroutine where it
// was.
#pragma once

#include <type_traits>
#include <utility>

#include <boost/asio.hpp>

namespace selvedge {

namespace asio = boost::asio;

// `function` runs on `pool`, must not throw, and is never interrupted: a cancelled coroutine waits
// for it to end, so what it borrows stays valid, and fails at its next `co_await`. Its result must
// be movable. `pool` is joined before the io_context goes.
template <class Function>
auto offload(asio::thread_pool& pool, Function function) {
  using R = std::invoke_result_t<Function&>;
  return asio::async_initiate<const asio::use_awaitable_t<>&, void(R)>(
      [&pool](auto handler, Function work) {
        auto guard = asio::make_work_guard(asio::get_associated_executor(handler));
        asio::post(pool, [handler = std::move(handler), work = std::move(work),
                          guard = std::move(guard)]() mutable {
          auto result = work();
          auto executor = guard.get_executor();
          asio::post(executor,
                     [handler = std::move(handler), result = std::move(result)]() mutable {
                       std::move(handler)(std::move(result));
                     });
          guard.reset();
        });
      },
      asio::use_awaitable, std::move(function));
}

}  // namespace selvedge
