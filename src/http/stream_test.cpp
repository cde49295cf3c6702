// Tests of streams, of clients that leave, and of shutting down.
#include <boost/asio.hpp>
#include <gtest/gtest.h>

#include "base/offload.h"
#include "http/testing.h"

namespace selvedge::http {
namespace {

using testing::body_of;
using testing::eventually;
using testing::RawClient;
using testing::ServerThread;
using testing::status_of;
using Clock = std::chrono::steady_clock;

asio::awaitable<void> pause_ms(int ms) {
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, std::chrono::milliseconds(ms));
  co_await timer.async_wait(asio::use_awaitable);
}

// Counts its living instances, so that a test sees when one is destroyed.
struct Alive {
  explicit Alive(std::atomic<int>& counter) : count(counter) { ++count; }
  Alive(const Alive&) = delete;
  Alive& operator=(const Alive&) = delete;
  ~Alive() { --count; }
  std::atomic<int>& count;
};

// "0", "1", … at a pace; then the end, or nothing for ever.
class Ticks final : public BodyStream {
 public:
  Ticks(std::atomic<int>& alive, int count, int ms, bool endless = false)
      : alive_(alive), count_(count), ms_(ms), endless_(endless) {}
  asio::awaitable<std::optional<std::string>> next() override {
    if (at_ == count_) {
      if (endless_) co_await pause_ms(3'600'000);
      co_return std::nullopt;
    }
    if (ms_ > 0) co_await pause_ms(ms_);
    co_return std::to_string(at_++);
  }

 private:
  Alive alive_;
  int at_ = 0;
  int count_;
  int ms_;
  bool endless_;
};

// Pieces of 64 KiB without end.
class Flood final : public BodyStream {
 public:
  explicit Flood(std::atomic<int>& alive) : alive_(alive) {}
  asio::awaitable<std::optional<std::string>> next() override {
    co_return std::string(64 * 1024, 'x');
  }

 private:
  Alive alive_;
};

class Broken final : public BodyStream {
 public:
  asio::awaitable<std::optional<std::string>> next() override {
    if (at_++ == 1) std::ignore = std::vector<int>().at(1);
    co_return "whole";
  }

 private:
  int at_ = 0;
};

class StreamTest : public ::testing::Test {
 protected:
  ServerOptions options() {
    ServerOptions result;
    result.handler = [this](Request request) { return handle(std::move(request)); };
    return result;
  }

  asio::awaitable<Response> handle(Request request) {
    Response response;
    if (request.path == "/ticks") response.stream = std::make_unique<Ticks>(alive_, 3, 0);
    if (request.path == "/slow") response.stream = std::make_unique<Ticks>(alive_, 5, 40);
    if (request.path == "/endless") response.stream = std::make_unique<Ticks>(alive_, 1, 0, true);
    if (request.path == "/flood") response.stream = std::make_unique<Flood>(alive_);
    if (request.path == "/broken") response.stream = std::make_unique<Broken>();
    if (request.path == "/think") {
      Alive here(alive_);
      co_await pause_ms(std::stoi(request.query_value("ms").value_or("3600000")));
      response.body = "thought";
    }
    if (request.path == "/block") {
      Alive here(alive_);
      auto work = [] {
        std::this_thread::sleep_for(std::chrono::milliseconds(1'200));
        return true;
      };
      co_await offload(pool_, work);
      response.body = "worked";
    }
    co_return response;
  }

  static std::string get(const std::string& path) {
    return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  }

  std::atomic<int> alive_ = 0;
  asio::thread_pool pool_{1};
};

TEST_F(StreamTest, EachPieceIsOneChunkAndTheConnectionGoesOn) {
  ServerThread server(options());
  RawClient client(server.port());
  client.send(get("/ticks") + get("/"));
  const std::string answer = client.read_response();
  EXPECT_NE(answer.find("Transfer-Encoding: chunked"), std::string::npos);
  EXPECT_EQ(answer.find("Content-Length"), std::string::npos);
  EXPECT_EQ(body_of(answer), "1\r\n0\r\n1\r\n1\r\n1\r\n2\r\n0\r\n\r\n");
  EXPECT_EQ(status_of(client.read_response()), 200);
}

TEST_F(StreamTest, HeadersAndPiecesArriveAtOnce) {
  ServerThread server(options());
  RawClient client(server.port());
  const auto begin = Clock::now();
  client.send(get("/slow"));
  client.read_until("\r\n\r\n");
  EXPECT_LT(Clock::now() - begin, std::chrono::milliseconds(35));
  client.read_until("1\r\n0\r\n");
  EXPECT_LT(Clock::now() - begin, std::chrono::milliseconds(75));
  client.read_until("0\r\n\r\n");
  EXPECT_GE(Clock::now() - begin, std::chrono::milliseconds(200));
}

TEST_F(StreamTest, Http10GetsThePiecesBareAndTheEndByClosing) {
  ServerThread server(options());
  RawClient client(server.port());
  client.send("GET /ticks HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const std::string answer = client.read_all();
  EXPECT_EQ(body_of(answer), "012");
  EXPECT_EQ(answer.find("chunked"), std::string::npos);
  EXPECT_TRUE(client.closed());
}

TEST_F(StreamTest, HeadDoesNotRunTheStream) {
  ServerThread server(options());
  RawClient client(server.port());
  client.send("HEAD /endless HTTP/1.1\r\nHost: localhost\r\n\r\n" + get("/think?ms=0"));
  EXPECT_NE(client.read_until("\r\n\r\n").find("chunked"), std::string::npos);
  EXPECT_EQ(body_of(client.read_response()), "thought");
  EXPECT_EQ(alive_, 0);
}

TEST_F(StreamTest, AStreamThatThrowsEndsWithoutTheLastChunk) {
  ServerThread server(options());
  RawClient client(server.port());
  client.send(get("/broken"));
  const std::string answer = client.read_all();
  EXPECT_EQ(body_of(answer), "5\r\nwhole\r\n");
  EXPECT_TRUE(client.closed());
}

TEST_F(StreamTest, AClientThatLeavesEndsItsHandlerAndItsStreamAtOnce) {
  ServerThread server(options());
  using Leave = void (*)(RawClient&);
  const Leave ways[] = {[](RawClient& client) { client.close(); },
                        [](RawClient& client) { client.reset(); },
                        [](RawClient& client) { client.half_close(); }};
  for (const Leave leave : ways) {
    for (const char* path : {"/think", "/endless", "/flood"}) {
      RawClient client(server.port());
      client.send(get(path));
      ASSERT_TRUE(eventually([&] { return alive_ == 1; })) << path;
      const auto begin = Clock::now();
      leave(client);
      EXPECT_TRUE(eventually([&] { return alive_ == 0; })) << path;
      EXPECT_LT(Clock::now() - begin, std::chrono::milliseconds(50)) << path;
    }
  }
  EXPECT_TRUE(eventually([&] { return server.connections() == 0; }));
}

TEST_F(StreamTest, LeavingIsSeenBehindPipelinedBytes) {
  ServerThread server(options());
  RawClient client(server.port());
  client.send(get("/think"));
  ASSERT_TRUE(eventually([&] { return alive_ == 1; }));
  client.send(get("/") + get("/"));
  client.close();
  EXPECT_TRUE(eventually([&] { return alive_ == 0; }));
}

TEST_F(StreamTest, ABrokenConnectionIsSeenBehindMoreThanIsReadAhead) {
  ServerThread server(options());
  RawClient client(server.port());
  client.send(get("/think"));
  ASSERT_TRUE(eventually([&] { return alive_ == 1; }));
  client.send(std::string(100'000, 'x'));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(alive_, 1);
  client.reset();
  EXPECT_TRUE(eventually([&] { return alive_ == 0; }));
}

TEST_F(StreamTest, PipelinedBytesThatArriveDuringAnAnswerAreNotLost) {
  ServerThread server(options());
  RawClient client(server.port());
  client.send(get("/slow"));
  client.read_until("1\r\n0\r\n");
  client.send(get("/think?ms=1"));
  client.read_until("0\r\n\r\n");
  EXPECT_EQ(body_of(client.read_response()), "thought");
}

TEST_F(StreamTest, AClientThatDoesNotReadIsLetGo) {
  ServerOptions stalling = options();
  stalling.limits.stream_stall_ms_max = 150;
  ServerThread server(stalling);
  RawClient client(server.port());
  client.send(get("/flood"));
  ASSERT_TRUE(eventually([&] { return alive_ == 1; }));
  EXPECT_TRUE(eventually([&] { return alive_ == 0 && server.connections() == 0; }));
}

TEST_F(StreamTest, AFloodOnOneConnectionLeavesTurnsToTheOthers) {
  ServerThread server(options());
  RawClient flood(server.port());
  flood.send(get("/flood"));
  std::atomic<bool> stop = false;
  std::thread reader([&] {
    while (!stop) flood.read_until("never", 5);
  });
  RawClient other(server.port());
  const auto begin = Clock::now();
  for (int at = 0; at < 20; ++at) {
    other.send(get("/think?ms=0"));
    EXPECT_EQ(status_of(other.read_response()), 200);
  }
  EXPECT_LT(Clock::now() - begin, std::chrono::milliseconds(1'000));
  stop = true;
  reader.join();
}

TEST_F(StreamTest, HundredsOfIdleStreamsDoNotSlowAnotherRequest) {
  ServerThread server(options());
  std::vector<RawClient> clients;
  for (int at = 0; at < 450; ++at) {
    clients.emplace_back(server.port());
    clients.back().send(get("/endless"));
  }
  ASSERT_TRUE(eventually([&] { return alive_ == 450; }));
  RawClient other(server.port());
  const auto begin = Clock::now();
  for (int at = 0; at < 50; ++at) {
    other.send(get("/"));
    EXPECT_EQ(status_of(other.read_response()), 200);
  }
  EXPECT_LT(Clock::now() - begin, std::chrono::milliseconds(500));
  clients.clear();
  EXPECT_TRUE(eventually([&] { return alive_ == 0 && server.connections() == 1; }));
}

TEST_F(StreamTest, ShuttingDownClosesIdleConnectionsAtOnceAndLetsAnswersEnd) {
  ServerThread server(options());
  RawClient idle(server.port());
  idle.send(get("/"));
  idle.read_response();
  RawClient busy(server.port());
  busy.send(get("/think?ms=150"));
  ASSERT_TRUE(eventually([&] { return alive_ == 1; }));
  std::thread closing([&] { EXPECT_LT(server.shut_down(2'000).count(), 1'500); });
  EXPECT_EQ(idle.read_all(100), "");
  EXPECT_TRUE(idle.closed());
  const std::string answer = busy.read_all();
  EXPECT_EQ(body_of(answer), "thought");
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  busy.close();
  closing.join();
  EXPECT_EQ(server.connections(), 0u);
}

TEST_F(StreamTest, ShuttingDownCancelsWhatTheGraceDidNotEnd) {
  ServerThread server(options());
  RawClient thinking(server.port());
  thinking.send(get("/think"));
  RawClient streaming(server.port());
  streaming.send(get("/endless"));
  ASSERT_TRUE(eventually([&] { return alive_ == 2; }));
  const auto took = server.shut_down(100);
  EXPECT_GE(took.count(), 100);
  EXPECT_LT(took.count(), 300);
  EXPECT_EQ(alive_, 0);
}

TEST_F(StreamTest, ShuttingDownDoesNotWaitForWorkThatCannotBeInterrupted) {
  ServerThread server(options());
  RawClient client(server.port());
  client.send(get("/block"));
  ASSERT_TRUE(eventually([&] { return alive_ == 1; }));
  EXPECT_LT(server.shut_down(100).count(), 600);
  EXPECT_TRUE(eventually([&] { return alive_ == 0; }));
}

}  // namespace
}  // namespace selvedge::http
