// Tests of the test kit: what strikes, in which form, and what stays as it is.
#include "api/test_kit.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include <boost/asio.hpp>
#include <gtest/gtest.h>

#include "api/errors.h"

namespace selvedge::api {
namespace {

class Pieces final : public http::BodyStream {
 public:
  explicit Pieces(std::deque<std::string> pieces) : pieces_(std::move(pieces)) {}
  asio::awaitable<std::optional<std::string>> next() override {
    if (pieces_.empty()) co_return std::nullopt;
    std::string piece = std::move(pieces_.front());
    pieces_.pop_front();
    co_return piece;
  }

 private:
  std::deque<std::string> pieces_;
};

struct Read {
  int status = 0;
  std::string body;
  std::string struck;
  std::string retry_after;
  bool broken = false;
};

class TestKitTest : public testing::Test {
 protected:
  void make(std::vector<std::string> faults, std::vector<std::string> latencies = {},
            std::uint64_t seed = 1) {
    auto kit = TestKit::create({std::move(faults), std::move(latencies), seed, {}});
    ASSERT_TRUE(kit.ok()) << kit.error().message;
    kit_ = std::move(kit).value();
  }

  static KitCall call(std::string name = "ai/run", DoorForm form = DoorForm::workers_ai) {
    KitCall call;
    call.names.product = name.starts_with("vectorize") ? Product::vectorize
                         : name.starts_with("bot")     ? Product::bot
                                                       : Product::ai;
    call.names.names = {std::move(name), "@cf/meta/llama"};
    call.names.target = "@cf/meta/llama";
    call.form = form;
    call.request_id = "the-id";
    return call;
  }

  // The answer to `call` where the work gives these pieces; of none, the body "whole body".
  Read ask(KitCall call, std::deque<std::string> pieces = {}) {
    ++asked_;
    const TestKit::Work work = [this, &pieces]() -> asio::awaitable<http::Response> {
      ++worked_;
      http::Response response = json_response(200, "whole body");
      if (!pieces.empty()) response.stream = std::make_unique<Pieces>(std::move(pieces));
      co_return std::move(response);
    };
    Read read;
    auto reading = [&]() -> asio::awaitable<void> {
      auto response = co_await kit_->act(std::move(call), work);
      read.status = response.status;
      read.struck = response.headers.get("selvedge-fault");
      read.retry_after = response.headers.get("retry-after");
      read.body = response.body;
      if (!response.stream) co_return;
      read.body.clear();
      while (auto piece = co_await response.stream->next()) read.body += *piece;
      read.broken = response.stream->broken();
    };
    asio::io_context io;
    asio::co_spawn(io, reading(), [](const std::exception_ptr& failure) {
      if (failure) std::rethrow_exception(failure);
    });
    io.run();
    return read;
  }

  std::shared_ptr<TestKit> kit_ = std::make_shared<TestKit>();
  int asked_ = 0;
  int worked_ = 0;
};

TEST_F(TestKitTest, AFaultAnswersInTheFormOfTheDoorWithItsStatusAndRetryAfter) {
  make({"3040"});
  const Read rest = ask(call());
  EXPECT_EQ(rest.status, 429);
  EXPECT_EQ(rest.retry_after, "1");
  EXPECT_EQ(rest.struck, "3040");
  EXPECT_NE(rest.body.find("\"code\":3040"), std::string::npos);
  EXPECT_NE(rest.body.find("Capacity temporarily exceeded, please try again. (the-id)"),
            std::string::npos);
  EXPECT_NE(ask(call("ai/run", DoorForm::ai_binding)).body.find("\"internalCode\":3040"),
            std::string::npos);
  EXPECT_NE(ask(call("ai/run", DoorForm::openai)).body.find("\"rate_limit_exceeded\""),
            std::string::npos);
  EXPECT_EQ(worked_, 0);
}

TEST_F(TestKitTest, ANumberStrikesTheProductThatHasItANameBoth) {
  make({"40006"});
  EXPECT_EQ(ask(call()).status, 200);
  const Read query = ask(call("vectorize/query", DoorForm::vectorize_binding));
  EXPECT_EQ(query.status, 400);
  EXPECT_EQ(query.body.substr(0, 13), "{\"code\":40006");
  make({"queue_full"});
  EXPECT_EQ(ask(call()).status, 429);
  EXPECT_NE(ask(call("vectorize/query", DoorForm::vectorize)).body.find("40041"),
            std::string::npos);
}

TEST_F(TestKitTest, TheBotIsStruckOnlyWhereItIsNamed) {
  make({"unavailable"});
  EXPECT_EQ(ask(call("bot/chat", DoorForm::plain)).status, 200);
  make({"unavailable@bot/*"});
  EXPECT_EQ(ask(call("bot/chat", DoorForm::plain)).status, 503);
  EXPECT_EQ(ask(call()).status, 200);
}

TEST_F(TestKitTest, CallsAreCountedAmongThoseThatTheRuleNames) {
  make({"3040#2@@cf/meta/*", "3040#1@vectorize/*"});
  EXPECT_EQ(ask(call()).status, 200);
  EXPECT_EQ(ask(call()).status, 429);
  EXPECT_EQ(ask(call()).status, 200);
}

TEST_F(TestKitTest, OfTwoFaultsTheFirstCountsAndBothAreCounted) {
  make({"3040#1", "5028#1-2"});
  EXPECT_EQ(ask(call()).status, 429);
  EXPECT_EQ(ask(call()).status, 410);
  EXPECT_EQ(ask(call()).status, 200);
}

TEST_F(TestKitTest, ASeedRepeatsWhatIsDrawn) {
  const auto statuses = [&](std::uint64_t seed) {
    make({"3040:0.5"}, {}, seed);
    std::vector<int> all;
    for (int at = 0; at < 64; ++at) all.push_back(ask(call()).status);
    return all;
  };
  const auto first = statuses(7);
  EXPECT_EQ(statuses(7), first);
  EXPECT_NE(statuses(8), first);
  EXPECT_NEAR(static_cast<double>(std::count(first.begin(), first.end(), 429)), 32, 16);
}

TEST_F(TestKitTest, AStreamFailsAfterSoManyEventsInTheDoorsForm) {
  make({"3040+2"});
  const Read read = ask(call(), {"data: 1\n\n", ": ping\n\n", "data: 2\n\ndata: 3\n\n"});
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(read.body.substr(0, 26), "data: 1\n\n: ping\n\ndata: 2\n\n");
  EXPECT_NE(read.body.find("data: {\"errors\":[{\"message\":\"AiError: Capacity"),
            std::string::npos);
  EXPECT_EQ(read.body.find("data: 3"), std::string::npos);
  EXPECT_FALSE(read.broken);
}

TEST_F(TestKitTest, AStreamThatIsShortEnoughIsLeftAloneAndSoIsAWholeAnswer) {
  make({"3040+2"});
  const Read read = ask(call(), {"data: 1\n\n", "data: 2\n\n"});
  EXPECT_EQ(read.body, "data: 1\n\ndata: 2\n\n");
  EXPECT_EQ(ask(call()).body, "whole body");
  EXPECT_EQ(ask(call()).struck, "");
}

TEST_F(TestKitTest, ACutBreaksAStreamAfterAnEventAndAWholeAnswerInItsMiddle) {
  make({"cut"});
  const Read stream = ask(call(), {"data: 1\n\n", "data: 2\n\n"});
  EXPECT_EQ(stream.body, "data: 1\n\n");
  EXPECT_TRUE(stream.broken);
  const Read whole = ask(call());
  EXPECT_EQ(whole.body, "whole");
  EXPECT_TRUE(whole.broken);
  make({"cut+0"});
  EXPECT_EQ(ask(call(), {"data: 1\n\n"}).body, "");
}

TEST_F(TestKitTest, AHeaderStrikesItsOwnRequestAlone) {
  KitCall own = call();
  own.own_fault = "5007";
  const Read read = ask(std::move(own));
  EXPECT_EQ(read.status, 400);
  EXPECT_NE(read.body.find("No such model @cf/meta/llama or task"), std::string::npos);
  EXPECT_EQ(ask(call()).status, 200);
}

TEST_F(TestKitTest, AHeaderThatIsMalformedOrChoosesIsRefused) {
  for (const char* value : {"nonsense", "3040:0.5", "3040#2", "3040@ai/run", "99999", "3040+x"}) {
    KitCall own = call();
    own.own_fault = value;
    const Read read = ask(std::move(own));
    EXPECT_EQ(read.status, 400) << value;
    EXPECT_NE(read.body.find("5006"), std::string::npos) << value;
  }
  KitCall late = call();
  late.own_latency = "soon";
  EXPECT_EQ(ask(std::move(late)).status, 400);
  EXPECT_EQ(worked_, 0);
}

TEST_F(TestKitTest, LatencyLiesBetweenItsBoundsAndAddsUp) {
  make({}, {"20ms-40ms@ai/run", "10ms#1"});
  const auto begun = std::chrono::steady_clock::now();
  ask(call());
  const auto took = std::chrono::steady_clock::now() - begun;
  EXPECT_GE(took, std::chrono::milliseconds(30));
  EXPECT_LE(took, std::chrono::milliseconds(500));  // A loaded machine is late itself.
}

TEST_F(TestKitTest, MalformedSwitchesAreRefusedInWordsThatNameThem) {
  for (const char* fault : {"", "x", "3040+", "3040:2", "123", "cut:x", "queue_fuller"}) {
    const auto kit = TestKit::create({{fault}, {}, 1, {}});
    ASSERT_FALSE(kit.ok()) << fault;
    EXPECT_NE(kit.error().message.find(fault), std::string::npos);
  }
  for (const char* latency : {"", "5", "2s-1s", "2h", "1s-", "1s-2"}) {
    EXPECT_FALSE(TestKit::create({{}, {latency}, 1, {}}).ok()) << latency;
  }
}

TEST_F(TestKitTest, EveryNumberOfTheErrorTableCanBeAskedFor) {
  for (const ErrorRow& row : error_rows()) {
    for (const int number : {row.workers_ai_number, row.vectorize_number}) {
      const auto fault = parse_fault(std::to_string(number));
      ASSERT_TRUE(fault.ok()) << number;
      const ErrorRow& meant = error_row(fault->code);
      EXPECT_TRUE(meant.workers_ai_number == number || meant.vectorize_number == number);
    }
    EXPECT_EQ(parse_fault(code_name(row.code))->code, row.code);
  }
}

}  // namespace
}  // namespace selvedge::api
