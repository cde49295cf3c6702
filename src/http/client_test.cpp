// Tests of the client and of downloads, against our own server.
#include "http/client.h"

#include <fstream>
#include <sstream>

#include <boost/asio.hpp>
#include <gtest/gtest.h>

#include "http/testing.h"

namespace selvedge::http {
namespace {

using testing::ServerThread;
namespace fs = std::filesystem;

// The far server: a file with ranges and a validator, and several ways to misbehave.
class ClientTest : public ::testing::Test {
 protected:
  ClientTest() {
    char pattern[] = "/tmp/selvedge_client_XXXXXX";
    folder_ = ::mkdtemp(pattern);
    for (int at = 0; at < 50'000; ++at) content_ += std::to_string(at);
  }
  ~ClientTest() override { fs::remove_all(folder_); }

  ServerOptions options() {
    ServerOptions result;
    result.handler = [this](Request request) { return handle(std::move(request)); };
    return result;
  }

  asio::awaitable<Response> handle(Request request) {
    asked_.push_back(request.path + " " + std::string(request.headers.get("range")));
    agent_ = request.headers.get("user-agent");
    Response response;
    if (request.path == "/file") {
      serve_file(request, response);
    } else if (request.path == "/moved") {
      response.status = 302;
      response.headers.set("Location", "/file");
      response.body = "moved";
    } else if (request.path == "/abroad") {
      response.status = 302;
      response.headers.set("Location", "http://192.0.2.1/file");
    } else if (request.path == "/circle") {
      response.status = 302;
      response.headers.set("Location", "/circle");
    } else if (request.path == "/part") {
      response.status = 206;
      response.headers.set("Content-Range", "bytes 7-9/10");
      response.body = "789";
    } else if (request.path == "/short") {
      response.status = 206;
      response.headers.set("Content-Range", "bytes 0-4/10");
      response.body = "01234";
    } else if (request.path == "/echo") {
      response.status = 201;
      response.headers.set("X-Type", std::string(request.headers.get("content-type")));
      response.body = request.method + " " + request.body;
    } else if (request.path == "/silent") {
      const auto executor = co_await asio::this_coro::executor;
      asio::steady_timer timer(executor, std::chrono::hours(1));
      co_await timer.async_wait(asio::use_awaitable);
    } else {
      response.status = 404;
    }
    co_return response;
  }

  void serve_file(const Request& request, Response& response) const {
    response.headers.set("ETag", etag_);
    const std::string_view range = request.headers.get("range");
    const std::string_view condition = request.headers.get("if-range");
    if (range.empty() || (!condition.empty() && condition != etag_)) {
      response.body = content_;
      return;
    }
    const auto first = std::stoul(std::string(range.substr(6)));
    const std::string size = std::to_string(content_.size());
    if (first >= content_.size()) {
      response.status = 416;
      response.headers.set("Content-Range", "bytes */" + size);
      return;
    }
    response.status = 206;
    response.headers.set("Content-Range", "bytes " + std::to_string(first) + "-" +
                                              std::to_string(content_.size() - 1) + "/" + size);
    response.body = content_.substr(first);
  }

  fs::path file() const { return folder_ / "file"; }
  static void write(const fs::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
  }
  static std::string read(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }

  fs::path folder_;
  std::string content_;
  std::string etag_ = "\"one\"";
  std::vector<std::string> asked_;
  std::string agent_;
};

TEST_F(ClientTest, SendsAndReceives) {
  ServerThread server(options());
  ClientRequest request;
  request.method = "POST";
  request.url = server.url("/echo");
  request.headers = {{"Content-Type", "application/json"}};
  request.body = "{}";
  auto response = send(request);
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->body, "POST {}");
  EXPECT_EQ(response->headers.get("x-type"), "application/json");
  EXPECT_TRUE(agent_.starts_with("selvedge/")) << agent_;
}

TEST_F(ClientTest, AnyStatusIsAResponseAndHeadHasNoBody) {
  ServerThread server(options());
  ClientRequest request;
  request.url = server.url("/nothing");
  EXPECT_EQ(send(request)->status, 404);
  request.method = "HEAD";
  request.url = server.url("/file");
  auto head = send(request);
  ASSERT_TRUE(head.ok());
  EXPECT_EQ(head->headers.get("content-length"), std::to_string(content_.size()));
  EXPECT_EQ(head->body, "");
  request.method = "DELETE";
  request.url = server.url("/echo");
  EXPECT_EQ(send(request)->body, "DELETE ");
}

TEST_F(ClientTest, NobodyListeningIsUnavailableAndSilenceIsALateAnswer) {
  ClientRequest request;
  {
    ServerThread server(options());
    request.url = server.url("/");
  }
  EXPECT_EQ(send(request).error().code, Code::unavailable);
  ServerThread server(options());
  request.url = server.url("/silent");
  request.silence_ms_max = 1'000;
  EXPECT_EQ(send(request).error().code, Code::deadline_exceeded);
  request.url = "file:///etc/hostname";
  EXPECT_FALSE(send(request).ok());
}

TEST_F(ClientTest, StreamsPiecesAfterTheHeadersAndStopsWhenTold) {
  ServerThread server(options());
  ClientRequest request;
  request.url = server.url("/file");
  std::string got;
  int status = 0;
  auto whole = send_streaming(
      request, [&](const ClientResponse& response) { status = response.status; },
      [&](std::string_view bytes) {
        EXPECT_EQ(status, 200);
        got += bytes;
        return true;
      });
  ASSERT_TRUE(whole.ok());
  EXPECT_EQ(got, content_);
  auto stopped = send_streaming(request, {}, [](std::string_view) { return false; });
  EXPECT_EQ(stopped.error().code, Code::cancelled);
}

TEST_F(ClientTest, DownloadsAWholeFileAndTellsItsProgress) {
  ServerThread server(options());
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  const auto status =
      download(server.url("/moved"), file(), 1'000'000, [&](std::uint64_t now, std::uint64_t all) {
        EXPECT_GT(now, done);
        done = now;
        total = all;
      });
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_EQ(read(file()), content_);
  EXPECT_EQ(done, content_.size());
  EXPECT_EQ(total, content_.size());
  EXPECT_FALSE(fs::exists(file().string() + ".etag"));
}

TEST_F(ClientTest, ContinuesAPartialFileOfTheSameVersion) {
  ServerThread server(options());
  write(file(), content_.substr(0, 1'000));
  write(file().string() + ".etag", "\"one\"\n");
  ASSERT_TRUE(download(server.url("/file"), file(), 1'000'000, {}).ok());
  EXPECT_EQ(read(file()), content_);
  EXPECT_EQ(asked_, std::vector<std::string>{"/file bytes=1000-"});
}

TEST_F(ClientTest, BeginsAgainWhenTheVersionChanged) {
  ServerThread server(options());
  write(file(), std::string(1'000, 'o'));
  write(file().string() + ".etag", "\"zero\"\n");
  ASSERT_TRUE(download(server.url("/file"), file(), 1'000'000, {}).ok());
  EXPECT_EQ(read(file()), content_);
}

TEST_F(ClientTest, AFileThatIsWholeAlreadyIsDone) {
  ServerThread server(options());
  write(file(), content_);
  EXPECT_TRUE(download(server.url("/file"), file(), 1'000'000, {}).ok());
  EXPECT_EQ(read(file()), content_);
  write(file(), content_ + "more");
  EXPECT_EQ(download(server.url("/file"), file(), 1'000'000, {}).error().code,
            Code::download_failed);
}

TEST_F(ClientTest, FailuresOfTheFarServerLeaveThePartialFile) {
  ServerThread server(options());
  write(file(), "0123");
  for (const char* path : {"/nothing", "/part", "/short", "/abroad", "/circle"}) {
    const auto status = download(server.url(path), file(), 1'000'000, {});
    ASSERT_FALSE(status.ok()) << path;
    EXPECT_EQ(Status(status).error().code, Code::download_failed) << path;
    EXPECT_EQ(read(file()), "0123") << path;
  }
  fs::remove(file());
  EXPECT_EQ(download(server.url("/short"), file(), 1'000'000, {}).error().message,
            "the file ended early");
  EXPECT_EQ(read(file()), "01234");
}

TEST_F(ClientTest, NothingOverTheBoundIsKept) {
  ServerThread server(options());
  EXPECT_EQ(download(server.url("/file"), file(), 100, {}).error().code, Code::download_failed);
  EXPECT_FALSE(fs::exists(file()));
}

TEST_F(ClientTest, AFileThatCannotBeWrittenIsAnIoError) {
  ServerThread server(options());
  EXPECT_EQ(download(server.url("/file"), folder_ / "no" / "file", 1'000'000, {}).error().code,
            Code::io);
}

TEST(Download, PlainHttpIsForLoopbackOnly) {
  EXPECT_EQ(download("http://192.0.2.1/file", "/nonexistent/file", 1, {}).error().message,
            "only https is followed");
}

TEST(PercentEncoding, LeavesOnlyUnreservedCharacters) {
  EXPECT_EQ(percent_encoded("@cf/a b~-._%提"), "%40cf%2Fa%20b~-._%25%E6%8F%90");
}

}  // namespace
}  // namespace selvedge::http
