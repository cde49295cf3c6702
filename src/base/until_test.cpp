// Tests of until: it asks again and again, blocks nobody, and ends with its coroutine.
#include "base/until.h"

#include <exception>

#include <gtest/gtest.h>

namespace selvedge {
namespace {

TEST(Until, AsksAtOnceAndThenUntilItIsTrue) {
  asio::io_context io;
  int asked = 0;
  bool ended = false;
  const auto wait = [&]() -> asio::awaitable<void> {
    co_await until([] { return true; });
    co_await until([&asked] { return ++asked == 4; });
    ended = true;
  };
  asio::co_spawn(io, wait(), asio::detached);
  io.run();
  EXPECT_TRUE(ended);
  EXPECT_EQ(asked, 4);
}

TEST(Until, ACancelledCoroutineWaitsNoLonger) {
  asio::io_context io;
  asio::cancellation_signal cancel;
  bool failed = false;
  const auto wait = []() -> asio::awaitable<void> { co_await until([] { return false; }); };
  asio::co_spawn(io, wait(),
                 asio::bind_cancellation_slot(cancel.slot(), [&failed](std::exception_ptr error) {
                   failed = error != nullptr;
                 }));
  asio::post(io, [&cancel] { cancel.emit(asio::cancellation_type::terminal); });
  io.run();
  EXPECT_TRUE(failed);
}

}  // namespace
}  // namespace selvedge
