// Tests of choice pieces: order of arrival, the end, errors, and leaving early.
#include "api/choice_pieces.h"

#include <chrono>
#include <optional>
#include <string>

#include <boost/asio.hpp>
#include <gtest/gtest.h>

namespace selvedge::api {
namespace {

using std::chrono::milliseconds;

// `count` pieces, one every `delay`; then an error, when there is one.
class TimedStream final : public inference::TokenStream {
 public:
  TimedStream(int count, milliseconds delay, int* alive, std::optional<Error> error = std::nullopt)
      : count_(count), delay_(delay), alive_(alive), error_(std::move(error)) {
    ++*alive_;
  }
  TimedStream(const TimedStream&) = delete;
  TimedStream& operator=(const TimedStream&) = delete;
  ~TimedStream() override { --*alive_; }
  asio::awaitable<Result<inference::Piece>> next() override {
    asio::steady_timer timer(co_await asio::this_coro::executor, delay_);
    co_await timer.async_wait(asio::use_awaitable);
    inference::Piece piece;
    if (at_ == count_ && error_) co_return *error_;
    piece.text = std::to_string(at_++);
    piece.last = at_ == count_ && !error_;
    co_return std::move(piece);
  }

 private:
  int count_;
  milliseconds delay_;
  int* alive_;
  std::optional<Error> error_;
  int at_ = 0;
};

class ChoicePiecesTest : public ::testing::Test {
 protected:
  void add(int count, int delay_ms, std::optional<Error> error = std::nullopt) {
    streams.push_back(
        std::make_unique<TimedStream>(count, milliseconds(delay_ms), &alive, std::move(error)));
  }
  // "0:0 1:0 …", up to `pieces_max` of them.
  asio::awaitable<std::string> read(int pieces_max) {
    ChoicePieces pieces(std::move(streams));
    std::string seen;
    while (!pieces.ended() && pieces_max-- > 0) {
      auto next = co_await pieces.next();
      if (!next.ok()) co_return seen + code_name(next.error().code);
      seen += std::to_string(next->index) + ":" + next->piece.text + " ";
    }
    co_return seen;
  }
  std::string run(int pieces_max = 1'000) {
    auto seen = asio::co_spawn(io, read(pieces_max), asio::use_future);
    io.run();
    return seen.get();
  }

  asio::io_context io;
  std::vector<std::unique_ptr<inference::TokenStream>> streams;
  int alive = 0;
};

TEST_F(ChoicePiecesTest, OneStreamGivesItsPiecesInOrder) {
  add(3, 0);
  EXPECT_EQ(run(), "0:0 0:1 0:2 ");
  EXPECT_EQ(alive, 0);
}

TEST_F(ChoicePiecesTest, AQuickStreamDoesNotWaitForASlowOne) {
  add(1, 200);
  add(3, 1);
  EXPECT_EQ(run(), "1:0 1:1 1:2 0:0 ");
  EXPECT_EQ(alive, 0);
}

TEST_F(ChoicePiecesTest, AnErrorOfOneEndsAll) {
  add(1'000, 20);
  add(1, 1, Error{Code::model_crashed, "gone"});
  EXPECT_EQ(run(), "1:0 model_crashed");
  EXPECT_EQ(alive, 0) << "the other stream was cancelled";
}

TEST_F(ChoicePiecesTest, LeavingCancelsAllStreamsAtOnce) {
  for (int at = 0; at < 4; ++at) add(1'000, at == 0 ? 1 : 10'000);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(run(2), "0:0 0:1 ");
  EXPECT_EQ(alive, 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

}  // namespace
}  // namespace selvedge::api
