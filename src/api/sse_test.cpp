// Tests of SSE: order, pings while the first event is outstanding, errors, and leaving.
#include "api/sse.h"

#include <regex>

#include <boost/asio.hpp>
#include <gtest/gtest.h>

#include "api/fakes.h"
#include "api/text_generation.h"

namespace selvedge::api {
namespace {

using std::chrono::milliseconds;

// Waits before its first event; then gives one, then the end.
class SlowSource final : public EventSource {
 public:
  SlowSource(milliseconds delay, int* alive) : delay_(delay), alive_(alive) { ++*alive_; }
  SlowSource(const SlowSource&) = delete;
  SlowSource& operator=(const SlowSource&) = delete;
  ~SlowSource() override { --*alive_; }
  asio::awaitable<Result<std::optional<std::string>>> next() override {
    if (given_) co_return std::optional<std::string>();
    given_ = true;
    asio::steady_timer timer(co_await asio::this_coro::executor);
    timer.expires_after(delay_);
    co_await timer.async_wait(asio::use_awaitable);
    co_return std::optional<std::string>("data: 1\n\n");
  }
  std::string error_event(const Error& error) override { return "error " + error.message; }

 private:
  milliseconds delay_;
  int* alive_;
  bool given_ = false;
};

SseTimes quick() { return SseTimes{milliseconds(1), milliseconds(20)}; }

asio::awaitable<std::string> read_all(std::unique_ptr<EventSource> source, SseTimes times) {
  auto answered = co_await sse_response(std::move(source), times);
  if (!answered.ok()) co_return "refused: " + answered.error().message;
  std::string text;
  while (true) {
    auto piece = co_await answered->stream->next();
    if (!piece) co_return text;
    text += *piece;
  }
}

std::string run(asio::awaitable<std::string> reading) {
  asio::io_context io;
  auto result = asio::co_spawn(io, std::move(reading), asio::use_future);
  io.run();
  return result.get();
}

catalog::ModelEntry priced() {
  catalog::ModelEntry entry;
  entry.prices.per_m_input_tokens = 1e6;
  entry.prices.per_m_output_tokens = 2e6;
  return entry;
}

std::unique_ptr<EventSource> completion(std::vector<inference::Piece> pieces,
                                        std::optional<Error> error) {
  auto stream = std::make_unique<fakes::FakeStream>(std::move(pieces), std::move(error), nullptr);
  auto error_json = [](const Error& failure) { return "{\"error\":\"" + failure.message + "\"}"; };
  static const catalog::ModelEntry kPriced = priced();
  return std::make_unique<CompletionEvents>(std::move(stream), kPriced, error_json, 7);
}

TEST(Sse, PingsKeepTheLineAliveUntilTheFirstEvent) {
  int alive = 0;
  const std::string text =
      run(read_all(std::make_unique<SlowSource>(milliseconds(200), &alive), quick()));
  // Every 20 ms at most; how many a busy machine leaves is not known.
  EXPECT_TRUE(std::regex_match(text, std::regex("(: ping\n\n){1,10}data: 1\n\n"))) << text;
  EXPECT_EQ(alive, 0);
}

TEST(Sse, ABodyThatIsDroppedEarlyEndsItsSource) {
  int alive = 0;
  asio::io_context io;
  auto leave = [&]() -> asio::awaitable<void> {
    auto answered =
        co_await sse_response(std::make_unique<SlowSource>(std::chrono::hours(1), &alive), quick());
    EXPECT_TRUE(answered.ok());
  };
  asio::co_spawn(io, leave, asio::detached);
  io.run();  // Returns only when nothing waits any more.
  EXPECT_EQ(alive, 0);
}

TEST(Sse, CompletionEventsEndWithUsageAndDone) {
  const std::string text = run(read_all(
      completion({fakes::piece("Hi"), fakes::piece(""), fakes::piece("5", true)}, {}), quick()));
  EXPECT_TRUE(text.starts_with("data: {\"response\":\"Hi\",\"p\":\"a")) << text;
  EXPECT_NE(text.find("data: {\"response\":\"5\",\"p\":\""), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with(
      "data: {\"response\":\"\",\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,"
      "\"total_tokens\":5,\"prompt_tokens_details\":{\"cached_tokens\":0},\"neurons\":7}}\n\ndata: "
      "[DONE]\n\n"))
      << text;
}

TEST(Sse, AnErrorBeforeTheFirstEventIsTheAnswer) {
  const Error crashed{Code::model_crashed, "crashed"};
  EXPECT_EQ(run(read_all(completion({}, crashed), SseTimes())), "refused: crashed");
}

TEST(Sse, AnErrorInMidStreamIsAnEventAndNoDoneFollows) {
  const Error crashed{Code::model_crashed, "crashed"};
  const std::string text = run(read_all(completion({fakes::piece("Hi")}, crashed), SseTimes()));
  EXPECT_TRUE(text.ends_with("\n\ndata: {\"error\":\"crashed\"}\n\n")) << text;
}

}  // namespace
}  // namespace selvedge::api
