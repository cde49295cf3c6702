// Tests of offload: results, threads, cancellation and many tasks at once.
#include "base/offload.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace selvedge {
namespace {

using asio::awaitable;

TEST(Offload, RunsOnThePoolAndResumesOnTheIoThread) {
  asio::io_context io;
  asio::thread_pool pool(1);
  std::thread::id worked;
  std::thread::id resumed;
  std::unique_ptr<int> result;
  auto task = [&]() -> awaitable<void> {
    auto work = [&worked] {
      worked = std::this_thread::get_id();
      return std::make_unique<int>(7);
    };
    result = co_await offload(pool, work);
    resumed = std::this_thread::get_id();
  };
  asio::co_spawn(io, task(), asio::detached);
  io.run();
  EXPECT_EQ(*result, 7);
  EXPECT_EQ(resumed, std::this_thread::get_id());
  EXPECT_NE(worked, resumed);
}

TEST(Offload, ACancelledCoroutineWaitsForTheWorkAndFailsAtItsNextWait) {
  asio::io_context io;
  asio::thread_pool pool(1);
  asio::cancellation_signal signal;
  std::atomic<bool> started = false;
  bool ended = false;
  bool resumed = false;
  bool went_on = false;
  std::exception_ptr failure;
  auto task = [&]() -> awaitable<void> {
    std::string borrowed(100, 'x');  // Must live as long as the work.
    auto work = [&borrowed, &started] {
      started = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(60));
      return borrowed.size();
    };
    const std::size_t size = co_await offload(pool, work);
    resumed = size == 100;
    auto again = [] { return 1; };
    co_await offload(pool, again);
    went_on = true;
  };
  asio::co_spawn(io, task(),
                 asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr error) {
                   failure = error;
                   ended = true;
                 }));
  const auto begin = std::chrono::steady_clock::now();
  while (!started) io.poll();
  signal.emit(asio::cancellation_type::terminal);
  io.poll();
  EXPECT_FALSE(ended) << "the work still borrows from the coroutine";
  while (!ended) io.run_one();
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(50));
  EXPECT_TRUE(resumed);
  EXPECT_FALSE(went_on);
  EXPECT_TRUE(failure != nullptr);
}

TEST(Offload, ManyTasksShareAPoolAndEachGetsItsOwnResult) {
  asio::io_context io;
  asio::thread_pool pool(4);
  int right = 0;
  auto task = [&](int number) -> awaitable<void> {
    for (int at = 0; at < 50; ++at) {
      auto work = [number, at] { return std::to_string(number * 1000 + at); };
      const std::string result = co_await offload(pool, work);
      if (result == std::to_string(number * 1000 + at)) ++right;
    }
  };
  for (int number = 0; number < 40; ++number) asio::co_spawn(io, task(number), asio::detached);
  io.run();
  EXPECT_EQ(right, 40 * 50);
}

TEST(Offload, TheIoContextDoesNotRunDryWhileWorkIsUnderWay) {
  asio::io_context io;
  asio::thread_pool pool(1);
  bool done = false;
  auto task = [&]() -> awaitable<void> {
    auto work = [] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      return true;
    };
    done = co_await offload(pool, work);
  };
  asio::co_spawn(io, task(), asio::detached);
  io.run();
  EXPECT_TRUE(done);
}

TEST(Offload, AnIoContextDestroyedEarlyFreesTheWaitingCoroutine) {
  auto witness = std::make_shared<int>(1);
  asio::thread_pool pool(1);
  {
    asio::io_context io;
    auto task = [&pool](std::shared_ptr<int> held) -> awaitable<void> {
      auto work = [held] { return *held; };
      co_await offload(pool, work);
      const auto executor = co_await asio::this_coro::executor;
      asio::steady_timer timer(executor, std::chrono::hours(1));
      co_await timer.async_wait(asio::use_awaitable);
    };
    asio::co_spawn(io, task(witness), asio::detached);
    for (int turns = 0; turns < 2; ++turns) io.run_one();
    io.run_one_for(std::chrono::milliseconds(20));
  }
  pool.join();
  EXPECT_EQ(witness.use_count(), 1);
}

}  // namespace
}  // namespace selvedge
