// Tests of the server: one request, one answer, in every form a client may ask.
#include <boost/asio.hpp>
#include <gtest/gtest.h>

#include "http/gzip.h"
#include "http/testing.h"

namespace selvedge::http {
namespace {

using testing::body_of;
using testing::eventually;
using testing::RawClient;
using testing::ServerThread;
using testing::status_of;

// Answers with what it was asked: "METHOD path|body".
asio::awaitable<Response> echo(Request request) {
  Response response;
  if (request.path == "/empty") response.status = 204;
  if (request.path == "/odd") std::ignore = std::vector<int>().at(1);
  if (request.path == "/split") response.headers.set("X-A", "b\r\nX-Evil: 1");
  response.headers.set("Content-Type", "text/plain");
  response.body = request.method + " " + request.path + "|" + request.body;
  co_return response;
}

ServerOptions echo_options() {
  ServerOptions options;
  options.handler = echo;
  options.body_limit = [](const Request& request) -> std::size_t {
    return request.path == "/small" ? 10 : 1'000'000;
  };
  return options;
}

std::string post(const std::string& path, const std::string& body, const std::string& more = "") {
  return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\n" + more +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string get(const std::string& path, const std::string& more = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n";
}

TEST(Server, AnswersOnBothLoopbackAddressesWithOnePort) {
  ServerThread server(echo_options());
  for (const char* address : {"127.0.0.1", "::1"}) {
    RawClient client(server.port(), address);
    client.send(get("/a%20b?x=1"));
    const std::string answer = client.read_response();
    EXPECT_EQ(status_of(answer), 200) << address;
    EXPECT_EQ(body_of(answer), "GET /a b|");
    EXPECT_NE(answer.find("\r\nDate: "), std::string::npos);
  }
}

TEST(Server, SaysThatAPortIsTaken) {
  ServerThread server(echo_options());
  asio::io_context io;
  ServerOptions options = echo_options();
  options.port = server.port();
  auto second = Server::start(io, options);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::io);
  EXPECT_EQ(second.error().message, "cannot listen on 127.0.0.1:" + std::to_string(server.port()) +
                                        ": the port is already in use");
}

TEST(Server, KeepsTheConnectionAndAnswersPipelinedRequestsInOrder) {
  ServerThread server(echo_options());
  RawClient client(server.port());
  std::string all;
  for (int at = 0; at < 50; ++at) all += post("/n", std::to_string(at));
  client.send(all);
  for (int at = 0; at < 50; ++at)
    EXPECT_EQ(body_of(client.read_response()), "POST /n|" + std::to_string(at));
  EXPECT_EQ(server.connections(), 1u);
}

TEST(Server, HonoursConnectionClose) {
  ServerThread server(echo_options());
  RawClient client(server.port());
  client.send(get("/", "Connection: close\r\n") + get("/never"));
  const std::string answer = client.read_all();
  EXPECT_TRUE(client.closed());
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  EXPECT_EQ(answer.find("never"), std::string::npos);
}

TEST(Server, SpeaksHttp10) {
  ServerThread server(echo_options());
  RawClient closing(server.port());
  closing.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(body_of(closing.read_all()), "GET /|");
  EXPECT_TRUE(closing.closed());
  RawClient keeping(server.port());
  for (int at = 0; at < 2; ++at) {
    keeping.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_NE(keeping.read_response().find("Connection: keep-alive"), std::string::npos);
  }
}

TEST(Server, HeadHasTheLengthButNoBody) {
  ServerThread server(echo_options());
  RawClient client(server.port());
  client.send("HEAD /x HTTP/1.1\r\nHost: localhost\r\n\r\n" + get("/next"));
  EXPECT_NE(client.read_until("\r\n\r\n").find("Content-Length: 8\r\n"), std::string::npos);
  EXPECT_EQ(body_of(client.read_response()), "GET /next|");
}

TEST(Server, Status204HasNeitherBodyNorLength) {
  ServerThread server(echo_options());
  RawClient client(server.port());
  client.send(get("/empty") + get("/next"));
  const std::string answer = client.read_until("\r\n\r\n");
  EXPECT_EQ(status_of(answer), 204);
  EXPECT_EQ(answer.find("Content-Length"), std::string::npos);
  EXPECT_EQ(body_of(client.read_response()), "GET /next|");
}

TEST(Server, OptionsReachTheHandler) {
  ServerThread server(echo_options());
  RawClient client(server.port());
  client.send("OPTIONS /x HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(body_of(client.read_response()), "OPTIONS /x|");
}

TEST(Server, AHandlerThatThrowsAnswers500AndTheConnectionGoesOn) {
  ServerThread server(echo_options());
  RawClient client(server.port());
  client.send(get("/odd"));
  EXPECT_EQ(status_of(client.read_response()), 500);
  client.send(get("/even"));
  EXPECT_EQ(status_of(client.read_response()), 200);
}

TEST(Server, AHeaderValueCannotSplitTheResponse) {
  ServerThread server(echo_options());
  RawClient client(server.port());
  client.send(get("/split"));
  EXPECT_EQ(client.read_response().find("\r\nX-Evil"), std::string::npos);
}

TEST(Server, ReadsChunkedBodiesWithExtensionsAndTrailersCutAnywhere) {
  ServerThread server(echo_options());
  const std::string request =
      "POST /c HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
      "4;a=b\r\nWiki\r\n005\r\npedia\r\n0\r\nX-Sum: 1\r\n\r\n";
  for (std::size_t cut = 60; cut < request.size(); cut += 3) {
    RawClient client(server.port());
    client.send(request.substr(0, cut));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    client.send(request.substr(cut) + get("/next"));
    EXPECT_EQ(body_of(client.read_response()), "POST /c|Wikipedia") << cut;
    EXPECT_EQ(body_of(client.read_response()), "GET /next|") << cut;
  }
}

TEST(Server, ALargeBodyArrivesWhole) {
  ServerThread server(echo_options());
  std::string body(999'000, 'x');
  for (std::size_t at = 0; at < body.size(); ++at) body[at] = static_cast<char>('a' + at % 23);
  RawClient client(server.port());
  client.send(post("/big", body));
  EXPECT_EQ(body_of(client.read_response()), "POST /big|" + body);
}

TEST(Server, DecodesGzipBodies) {
  ServerThread server(echo_options());
  std::string text;
  for (int at = 0; at < 20'000; ++at) text += std::to_string(at);
  RawClient client(server.port());
  client.send(post("/z", gzip(text), "Content-Encoding: gzip\r\n"));
  EXPECT_EQ(body_of(client.read_response()), "POST /z|" + text);
  client.send(post("/z", gzip("a") + gzip("b"), "Content-Encoding: gzip\r\n"));
  EXPECT_EQ(body_of(client.read_response()), "POST /z|ab");
}

TEST(Server, RefusesGzipThatIsDamagedCutOrABomb) {
  ServerThread server(echo_options());
  const std::string good = gzip(std::string(5'000, 'a'));
  const auto status = [&](const std::string& body) {
    RawClient client(server.port());
    client.send(post("/z", body, "Content-Encoding: gzip\r\n"));
    return status_of(client.read_all());
  };
  EXPECT_EQ(status("not gzip at all"), 400);
  EXPECT_EQ(status(good.substr(0, good.size() - 6)), 400);
  EXPECT_EQ(status(gzip(std::string(50'000'000, '\0'))), 413);
}

TEST(Server, RefusesOtherContentEncodings) {
  ServerThread server(echo_options());
  for (const char* coding : {"br", "gzip, gzip", "deflate"}) {
    RawClient client(server.port());
    client.send(post("/", "x", "Content-Encoding: " + std::string(coding) + "\r\n"));
    EXPECT_EQ(status_of(client.read_all()), 415) << coding;
  }
}

TEST(Server, RefusesABodyOverTheLimitOfItsRoute) {
  ServerThread server(echo_options());
  RawClient exact(server.port());
  exact.send(post("/small", "0123456789"));
  EXPECT_EQ(status_of(exact.read_response()), 200);
  RawClient sized(server.port());
  sized.send(post("/small", "0123456789a"));
  EXPECT_EQ(status_of(sized.read_all()), 413);
  EXPECT_TRUE(sized.closed());
  RawClient chunked(server.port());
  chunked.send(
      "POST /small HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
      "6\r\n012345\r\n6\r\n678901\r\n0\r\n\r\n");
  EXPECT_EQ(status_of(chunked.read_all()), 413);
}

TEST(Server, Expect100IsAnsweredBeforeTheBodyOrRefusedWithoutIt) {
  ServerThread server(echo_options());
  RawClient client(server.port());
  client.send(
      "POST /e HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(status_of(client.read_until("\r\n\r\n")), 100);
  client.send("ok");
  EXPECT_EQ(body_of(client.read_response()), "POST /e|ok");
  RawClient large(server.port());
  large.send(
      "POST /small HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
      "Content-Length: 11\r\n\r\n");
  EXPECT_EQ(status_of(large.read_all()), 413);
  RawClient other(server.port());
  other.send(get("/", "Expect: a-miracle\r\n"));
  EXPECT_EQ(status_of(other.read_all()), 417);
}

TEST(Server, WhoIsNotAdmittedCannotMakeItReadABody) {
  ServerOptions options = echo_options();
  options.admission = [](const Request& request) -> std::optional<Refusal> {
    if (request.headers.has("authorization")) return std::nullopt;
    return Refusal{401, Code::unauthorized, "who are you"};
  };
  ServerThread server(options);
  for (const char* framing : {"Content-Length: 5", "Transfer-Encoding: chunked"}) {
    RawClient client(server.port());
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n" +
                std::string(framing) + "\r\n\r\n");
    EXPECT_EQ(status_of(client.read_all()), 401) << framing;
    EXPECT_TRUE(client.closed());
  }
  RawClient known(server.port());
  known.send(post("/", "x", "Authorization: me\r\n"));
  EXPECT_EQ(status_of(known.read_response()), 200);
  RawClient bodiless(server.port());
  bodiless.send(get("/"));
  EXPECT_EQ(status_of(bodiless.read_response()), 200);
}

TEST(Server, RefusesTooManyHeaderLines) {
  ServerThread server(echo_options());
  std::string lines;
  for (int at = 0; at < 127; ++at) lines += "A: b\r\n";
  RawClient client(server.port());
  client.send(get("/", lines));
  EXPECT_EQ(status_of(client.read_response()), 200);
  client.send(get("/", lines + "A: b\r\n"));
  EXPECT_EQ(status_of(client.read_all()), 431);
}

TEST(Server, RefusesAHeadOverTheLimit) {
  ServerOptions options = echo_options();
  options.limits.header_bytes_max = 2'000;
  ServerThread server(options);
  RawClient client(server.port());
  client.send(get("/", "X-Long: " + std::string(2'000, 'a') + "\r\n"));
  EXPECT_EQ(status_of(client.read_all()), 431);
  RawClient endless(server.port());
  endless.send("GET /" + std::string(100'000, 'a'));
  EXPECT_EQ(status_of(endless.read_all()), 431);
}

TEST(Server, LateHeadsAndBodiesGet408AndIdleConnectionsAreClosed) {
  ServerOptions options = echo_options();
  options.limits.header_ms_max = 150;
  options.limits.body_ms_max = 150;
  options.limits.keep_alive_ms_max = 150;
  ServerThread server(options);
  RawClient slow_head(server.port());
  RawClient slow_body(server.port());
  RawClient silent(server.port());
  RawClient idle(server.port());
  idle.send(get("/"));
  idle.read_response();
  slow_body.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n");
  const std::string head = get("/");
  for (const char c : head.substr(0, head.size() - 1)) {
    slow_head.send(std::string(1, c));
    std::this_thread::sleep_for(std::chrono::milliseconds(8));
  }
  EXPECT_EQ(status_of(slow_head.read_all()), 408);
  EXPECT_EQ(status_of(slow_body.read_all()), 408);
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_TRUE(silent.closed());
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_TRUE(idle.closed());
  EXPECT_TRUE(eventually([&] { return server.connections() == 0; }));
}

TEST(Server, BoundsTheMemoryOfAllBodies) {
  ServerOptions options = echo_options();
  options.limits.bodies_in_flight_bytes_max = 1'000;
  ServerThread server(options);
  const std::string part(600, 'x');
  RawClient first(server.port());
  first.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 700\r\n\r\n" + part);
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  RawClient second(server.port());
  second.send(post("/", part));
  const std::string busy = second.read_all();
  EXPECT_EQ(status_of(busy), 503);
  EXPECT_NE(busy.find("Retry-After: 1"), std::string::npos);
  first.send(std::string(100, 'y'));
  EXPECT_EQ(status_of(first.read_response()), 200);
  RawClient third(server.port());
  third.send(post("/", part));
  EXPECT_EQ(status_of(third.read_response()), 200);
}

TEST(Server, RefusesConnectionsOverTheBound) {
  ServerOptions options = echo_options();
  options.limits.connections_max = 2;
  ServerThread server(options);
  RawClient first(server.port());
  RawClient second(server.port());
  EXPECT_TRUE(eventually([&] { return server.connections() == 2; }));
  RawClient third(server.port());
  EXPECT_EQ(status_of(third.read_all()), 503);
  first.close();
  EXPECT_TRUE(eventually([&] { return server.connections() == 1; }));
  RawClient fourth(server.port());
  fourth.send(get("/"));
  EXPECT_EQ(status_of(fourth.read_response()), 200);
}

TEST(Server, AnswersOptionsOfTheWholeServerItself) {
  ServerThread server(echo_options());
  RawClient client(server.port());
  client.send("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n" + get("/next"));
  const std::string answer = client.read_until("\r\n\r\n");
  EXPECT_EQ(status_of(answer), 204);
  EXPECT_NE(answer.find("Allow: GET, HEAD, POST"), std::string::npos);
  EXPECT_EQ(body_of(client.read_response()), "GET /next|");
}

// Answers with the host that it was asked for.
asio::awaitable<Response> tell_host(Request request) {
  Response response;
  response.body = request.host + " " + std::string(request.headers.get("host")) + " " +
                  request.path + " " + request.query_value("a").value_or("-");
  co_return response;
}

TEST(Server, TheHostOfAnAbsoluteTargetCountsInsteadOfTheHeader) {
  ServerOptions options;
  options.handler = tell_host;
  ServerThread server(options);
  const auto answer = [&](const std::string& target) {
    RawClient client(server.port());
    client.send("GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1:1\r\nConnection: close\r\n\r\n");
    return client.read_all();
  };
  EXPECT_EQ(body_of(answer("/x?a=1")), "127.0.0.1 127.0.0.1:1 /x 1");
  EXPECT_EQ(body_of(answer("http://LocalHost:99/x?a=1")), "localhost localhost /x 1");
  EXPECT_EQ(body_of(answer("https://localhost")), "localhost localhost / -");
  EXPECT_EQ(body_of(answer("HTTP://[::1]?a=1")), "::1 ::1 / 1");
  EXPECT_EQ(status_of(answer("http://evil.example/x")), 403);
}

TEST(Server, AForeignOriginIsRefused) {
  ServerOptions options = echo_options();
  options.allowed_hosts = {"box.local"};
  options.program_hosts = {"vector-search"};
  ServerThread server(options);
  const auto status = [&](const std::string& host, const std::string& headers) {
    RawClient client(server.port());
    client.send("GET / HTTP/1.1\r\nConnection: close\r\nHost: " + host + "\r\n" + headers + "\r\n");
    return status_of(client.read_all());
  };
  for (const char* origin : {"http://localhost:5173", "https://127.0.0.1", "http://[::1]:1",
                             "http://box.local", "http://app.localhost"})
    EXPECT_EQ(status("localhost", "Origin: " + std::string(origin) + "\r\n"), 200) << origin;
  for (const char* origin : {"http://evil.example", "null", "", "file://", "chrome-extension://abc",
                             "localhost", "http://localhost.evil.example", "http://vector-search"})
    EXPECT_EQ(status("localhost", "Origin: " + std::string(origin) + "\r\n"), 403) << origin;
  EXPECT_EQ(status("localhost", "Origin: http://localhost\r\nOrigin: http://evil.example\r\n"),
            403);
  EXPECT_EQ(status("vector-search", ""), 200);
  EXPECT_EQ(status("vector-search", "Origin: http://vector-search\r\n"), 403);
  EXPECT_EQ(status("vector-search", "Origin: http://localhost\r\n"), 403);
}

TEST(Server, OnlyItsOwnHostNamesAreServed) {
  ServerOptions options = echo_options();
  options.allowed_hosts = {"workers-binding.ai", "box.local"};
  options.error_body = [](int, Code code, std::string_view, const Request* request) {
    Response response;
    response.body = std::string(code_name(code)) + (request ? request->path : "");
    return response;
  };
  ServerThread server(options);
  const auto answer = [&](const std::string& host) {
    RawClient client(server.port());
    client.send("GET /h HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
    return client.read_all();
  };
  for (const char* host :
       {"localhost", "LOCALHOST:7358", "127.0.0.1", "127.9.9.9:1", "[::1]:7358", "[::1]",
        "a.b.localhost", "localhost.", "Workers-Binding.AI", "box.local:80"})
    EXPECT_EQ(status_of(answer(host)), 200) << host;
  for (const char* host : {"evil.example", "localhost.evil.example", "10.0.0.1", "0.0.0.0",
                           "[::2]:7358", "127.0.0.1.nip.io", "notlocalhost", "2130706433"}) {
    EXPECT_EQ(status_of(answer(host)), 403) << host;
    EXPECT_EQ(body_of(answer(host)), "host_not_allowed/h") << host;
  }
  for (const char* host : {"a@localhost", "localhost:x", "[::1", "localhost/", ":80", ""})
    EXPECT_EQ(status_of(answer(host)), 400) << host;
}

}  // namespace
}  // namespace selvedge::http
