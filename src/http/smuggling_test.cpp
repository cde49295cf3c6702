// Tests that no request is hidden in another: each doubtful one is answered 400, the connection is
// closed, and the request after it is not served.
#include <gtest/gtest.h>

#include "http/testing.h"

namespace selvedge::http {
namespace {

using testing::RawClient;
using testing::ServerThread;
using testing::status_of;

constexpr std::string_view kNul("\0", 1);

struct Case {
  const char* name;
  std::string bytes;
};

std::string get(const std::string& headers) { return "GET / HTTP/1.1\r\n" + headers + "\r\n"; }

std::string post(const std::string& headers, const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n" + body;
}

std::string chunked(const std::string& body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}

std::vector<Case> framing_cases() {
  const std::string sized = "Content-Length: 5\r\n";
  const std::string pieces = "Transfer-Encoding: chunked\r\n";
  const std::string end = "0\r\n\r\n";
  std::vector<Case> cases = {
      {"length then chunked", post(sized + pieces, end)},
      {"chunked then length", post(pieces + sized, end)},
      {"two lengths that differ", post(sized + "Content-Length: 6\r\n", "12345")},
      {"two lengths that agree", post(sized + sized, "12345")},
      {"length as a list", post("Content-Length: 5, 5\r\n", "12345")},
      {"length with a sign", post("Content-Length: +5\r\n", "12345")},
      {"negative length", post("Content-Length: -5\r\n", "12345")},
      {"hexadecimal length", post("Content-Length: 0x5\r\n", "12345")},
      {"empty length", post("Content-Length:\r\n", "12345")},
      {"length with letters", post("Content-Length: 5a\r\n", "12345")},
      {"length with a blank inside", post("Content-Length: 5 5\r\n", "12345")},
      {"length over 64 bits", post("Content-Length: 18446744073709551621\r\n", "12345")},
      {"coding other than chunked", post("Transfer-Encoding: gzip\r\n", end)},
      {"identity coding", post("Transfer-Encoding: identity\r\n", end)},
      {"chunked, identity", post("Transfer-Encoding: chunked, identity\r\n", end)},
      {"gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", end)},
      {"chunked twice in one", post("Transfer-Encoding: chunked, chunked\r\n", end)},
      {"chunked twice", post(pieces + pieces, end)},
      {"chunked with a parameter", post("Transfer-Encoding: chunked;a=b\r\n", end)},
      {"quoted chunked", post("Transfer-Encoding: \"chunked\"\r\n", end)},
      {"chunked behind a vertical tab", post("Transfer-Encoding: \vchunked\r\n", end)},
      {"empty coding", post("Transfer-Encoding:\r\n", end)},
      {"misspelt coding", post("Transfer-Encoding: xchunked\r\n", end)},
      {"blank before the colon of chunked", post("Transfer-Encoding : chunked\r\n", end)},
      {"blank before the colon of length", post("Content-Length : 5\r\n", "12345")},
      {"tab before the colon", post("Content-Length\t: 5\r\n", "12345")},
      {"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nHost: localhost\r\n" + pieces + "\r\n" + end},
  };
  return cases;
}

std::vector<Case> chunk_cases() {
  return {
      {"chunk size that is no number", chunked("z\r\nhello\r\n0\r\n\r\n")},
      {"chunk size with a prefix", chunked("0x5\r\nhello\r\n0\r\n\r\n")},
      {"chunk size over 64 bits", chunked("10000000000000005\r\nhello\r\n0\r\n\r\n")},
      {"negative chunk size", chunked("-5\r\nhello\r\n0\r\n\r\n")},
      {"blank before the chunk size", chunked(" 5\r\nhello\r\n0\r\n\r\n")},
      {"empty chunk size", chunked("\r\nhello\r\n0\r\n\r\n")},
      {"bare line feed after the size", chunked("5\nhello\r\n0\r\n\r\n\r\n\r\n")},
      {"bare carriage return after the size", chunked("5\rhello\r\n0\r\n\r\n")},
      {"chunk longer than said", chunked("5\r\nhello!\r\n0\r\n\r\n")},
      {"no line break after a chunk", chunked("5\r\nhello0\r\n\r\n")},
      {"bare line feed after a chunk", chunked("5\r\nhello\n0\r\n\r\n")},
      {"oversize chunk extension", chunked("5;" + std::string(200'000, 'a') + "\r\nhello\r\n")},
      {"line feed in a chunk extension", chunked("5;a\nb\r\nhello\r\n0\r\n\r\n")},
      {"NUL in a chunk extension", chunked("5;a" + std::string(kNul) + "\r\nhello\r\n0\r\n\r\n")},
      {"oversize trailer", chunked("0\r\nX: " + std::string(200'000, 'a') + "\r\n\r\n")},
      {"broken trailer", chunked("0\r\nX Y: a\r\n\r\n")},
      {"length in a trailer", chunked("0\r\nContent-Length: 5\r\n\r\n")},
  };
}

std::vector<Case> head_cases() {
  const std::string host = "Host: localhost\r\n";
  return {
      {"bare line feeds", "GET / HTTP/1.1\nHost: localhost\n\n"},
      {"bare line feed in the head", get(host + "A: b\nC: d\r\n")},
      {"bare carriage return in a value", get(host + "A: b\rC: d\r\n")},
      {"NUL in a name", get(host + "A" + std::string(kNul) + ": b\r\n")},
      {"NUL in a value", get(host + "A: b" + std::string(kNul) + "\r\n")},
      {"control character in a value", get(host + "A: b\x01\r\n")},
      {"folded line", get(host + "A: b\r\n c\r\n")},
      {"folded with a tab", get(host + "A: b\r\n\tTransfer-Encoding: chunked\r\n")},
      {"fold as the first line", get(" A: b\r\n" + host)},
      {"line without a colon", get(host + "Nonsense\r\n")},
      {"empty name", get(host + ": b\r\n")},
      {"blank in a name", get(host + "A B: c\r\n")},
      {"bracket in a name", get(host + "A(B: c\r\n")},
      {"no Host", get("A: b\r\n")},
      {"two Hosts", get(host + host)},
      {"Host with a path", get("Host: localhost/x\r\n")},
      {"Host with a user", get("Host: a@localhost\r\n")},
      {"absolute target without Host", "GET http://localhost/ HTTP/1.1\r\n\r\n"},
      {"absolute target beside a bad Host", "GET http://localhost/ HTTP/1.1\r\nHost: a/b\r\n\r\n"},
      {"absolute target with a user",
       "GET http://a@localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"absolute target without a host", "GET http:///x HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"absolute target of another scheme",
       "GET ftp://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"asterisk target of GET", "GET * HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"authority target", "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"relative target", "GET x HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"target with a blank", "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"target with a tab", "GET /a\tb HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"target with a fragment", "GET /a#b HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"NUL in the path, escaped", "GET /a%00b HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"bad escape in the path", "GET /a%2 HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"bad escape in the query", "GET /a?b=%zz HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"two blanks before the version", "GET /  HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"no version", "GET /\r\nHost: localhost\r\n\r\n"},
      {"version 2.0", "GET / HTTP/2.0\r\nHost: localhost\r\n\r\n"},
      {"version 1.2", "GET / HTTP/1.2\r\nHost: localhost\r\n\r\n"},
      {"small letters in the version", "GET / http/1.1\r\nHost: localhost\r\n\r\n"},
      {"blank after the version", "GET / HTTP/1.1 \r\nHost: localhost\r\n\r\n"},
      {"blank before the method", " GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"bracket in the method", "G(T / HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"the beginning of TLS", std::string("\x16\x03\x01\x02", 4)},
      {"the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
  };
}

class Smuggling : public ::testing::Test {
 protected:
  void expect_all_refused(const std::vector<Case>& cases) {
    int served = 0;
    ServerOptions options;
    options.limits.header_ms_max = 500;
    options.limits.body_ms_max = 500;
    options.handler = [&served](Request request) -> asio::awaitable<Response> {
      if (request.path == "/hidden") ++served;
      Response response;
      response.body = "served";
      co_return response;
    };
    ServerThread server(options);
    for (const auto& [name, bytes] : cases) {
      RawClient client(server.port());
      client.send(bytes + "GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n");
      const std::string answer = client.read_all();
      EXPECT_EQ(status_of(answer), 400) << name << "\n" << answer;
      EXPECT_TRUE(client.closed()) << name;
      EXPECT_EQ(answer.find("HTTP/1.1", 8), std::string::npos) << name << ": answered twice";
    }
    server.on_thread([&] { EXPECT_EQ(served, 0); });
  }
};

TEST_F(Smuggling, DoubtfulFramingIsRefused) { expect_all_refused(framing_cases()); }
TEST_F(Smuggling, DoubtfulChunksAreRefused) { expect_all_refused(chunk_cases()); }
TEST_F(Smuggling, DoubtfulHeadsAreRefused) { expect_all_refused(head_cases()); }

TEST_F(Smuggling, OneBlankLineBetweenRequestsIsHarmless) {
  ServerOptions options;
  options.handler = [](Request request) -> asio::awaitable<Response> {
    Response response;
    response.body = request.body;
    co_return response;
  };
  ServerThread server(options);
  RawClient client(server.port());
  const std::string request = post("Content-Length: 2\r\n", "ab\r\n");
  client.send(request + request);
  EXPECT_EQ(status_of(client.read_response()), 200);
  EXPECT_EQ(status_of(client.read_response()), 200);
}

}  // namespace
}  // namespace selvedge::http
