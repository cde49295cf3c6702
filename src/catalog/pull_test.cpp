// Tests of pull: against a server on this machine that cuts, lies and refuses.
#include <atomic>
#include <fstream>
#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/sha256.h"
#include "catalog/gguf_builder.h"
#include "catalog/local_catalog.h"
#include "catalog/test_folder.h"

namespace selvedge::catalog {
namespace {

namespace fs = std::filesystem;

// Serves one body on a free port of 127.0.0.1, one connection at a time, ranges included.
class FileServer {
 public:
  FileServer() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_, generic, length), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    EXPECT_EQ(::getsockname(listener_, generic, &length), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~FileServer() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }

  std::string body;                     // Set before the first request.
  std::atomic<int> status = 200;        // Other than 200: no body.
  std::atomic<std::size_t> cut_at = 0;  // Bytes after which one answer breaks off; 0 = never.
  std::atomic<int> requests = 0;
  std::atomic<std::size_t> bytes_sent = 0;
  std::atomic<std::size_t> last_range = 0;

 private:
  void serve() {
    while (!stopping_) {
      const int client = ::accept(listener_, nullptr, nullptr);
      if (client < 0) return;
      answer(client);
      ::close(client);
    }
  }

  void answer(int client) {
    std::string request;
    char chunk[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = ::recv(client, chunk, sizeof(chunk), 0);
      if (got <= 0) return;
      request.append(chunk, static_cast<std::size_t>(got));
    }
    ++requests;
    if (status != 200) {
      send_all(client, "HTTP/1.1 " + std::to_string(status) +
                           " No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
      return;
    }
    const std::size_t range = request.find("Range: bytes=");
    const std::size_t from =
        range == std::string::npos ? 0 : std::stoul(request.substr(range + 13));
    last_range = from;
    std::string head = "HTTP/1.1 200 OK\r\n";
    if (from > 0) {
      head = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " + std::to_string(from) + "-" +
             std::to_string(body.size() - 1) + "/" + std::to_string(body.size()) + "\r\n";
    }
    std::string rest = body.substr(from);
    head += "ETag: \"one\"\r\nContent-Length: " + std::to_string(rest.size()) +
            "\r\nConnection: close\r\n\r\n";
    const std::size_t cut = cut_at.exchange(0);
    if (cut > 0) rest.resize(cut);
    bytes_sent += rest.size();
    send_all(client, head + rest);
  }

  static void send_all(int client, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  int listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

class Pull : public testing::Test {
 protected:
  Pull() {
    server_.body = small_gguf("llama", 64, std::string(3'000, 'n'));
    Sha256 hash;
    hash.add(server_.body);
    sha256_ = hash.hex();
  }

  static constexpr const char* kId = "@cf/t/big";

  // One model, its artifact on the server; `sha256` and `bytes` as promised; and some that cannot
  // be pulled.
  std::unique_ptr<Catalog> open(const std::string& sha256, std::uint64_t bytes) {
    const std::string url = server_.url("/owner/name/resolve/main/big.gguf");
    const std::string artifacts =
        R"({"name": "big", "file": "big.gguf", "licence": "Llama", "task": "Text Generation",
            "models": ["@cf/t/big"], "url": ")" +
        url + R"(", "sha256": ")" + sha256 + R"(", "bytes": )" + std::to_string(bytes) + "}," +
        R"({"name": "made", "file": "made.gguf", "licence": "MIT", "task": "Text Generation",
            "models": [], "sha256": ")" +
        std::string(64, 'a') + R"("}, {"name": "speech", "file": "s.bin", "licence": "MIT",
            "task": "Text-to-Speech", "models": ["@cf/t/speech"], "url": ")" +
        url + R"("}, {"name": "vast", "file": "vast.gguf", "licence": "MIT", "url": ")" + url +
        R"(", "bytes_about": 9000000000000000, "task": "Text Generation", "models": []})";
    const auto model = [](const std::string& id, const std::string& task) {
      return R"({"id": ")" + id + R"(", "description": "d", "weights": "maker/name", "task": ")" +
             task + R"("})";
    };
    auto table = ModelTable::parse(R"({"models": [)" + model(kId, "Text Generation") + "," +
                                       model("@cf/t/lone", "Text Generation") + "," +
                                       model("@cf/t/speech", "Text-to-Speech") + "]}",
                                   R"({"artifacts": [)" + artifacts + "]}");
    EXPECT_TRUE(table.ok()) << table.error().message;
    return *LocalCatalog::open(home_.path(), Profile::auto_, *table);
  }
  std::unique_ptr<Catalog> open() { return open(sha256_, server_.body.size()); }

  std::size_t files_left() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(home_ / "models"), fs::directory_iterator()));
  }

  TestFolder home_;
  FileServer server_;
  std::string sha256_;
};

TEST_F(Pull, FetchesVerifiesAndInstallsUnderTheArtifactsName) {
  const auto catalog = open();
  std::vector<std::string> steps;
  const auto installed =
      catalog->pull(kId, [&](std::uint64_t done, std::uint64_t total, std::string_view doing) {
        EXPECT_EQ(total, server_.body.size());
        EXPECT_LE(done, total);
        if (steps.empty() || steps.back() != doing) steps.emplace_back(doing);
      });
  ASSERT_TRUE(installed.ok()) << installed.error().message;
  EXPECT_EQ(installed->name, "big");
  EXPECT_EQ(installed->sha256, sha256_);
  EXPECT_EQ(installed->source, server_.url("/owner/name/resolve/main/big.gguf"));
  EXPECT_EQ(*sha256_of_file(installed->path), sha256_);
  EXPECT_EQ(steps, (std::vector<std::string>{"fetching", "checking"}));
  EXPECT_EQ(catalog->resolve(kId)->answered_by, "big");
  EXPECT_EQ(files_left(), 1u);
}

TEST_F(Pull, WhatIsInstalledIsNotFetchedAgain) {
  const auto catalog = open();
  ASSERT_TRUE(catalog->pull(kId, {}).ok());
  ASSERT_TRUE(catalog->pull("big", {}).ok());
  EXPECT_EQ(server_.requests, 1);
  ASSERT_TRUE(catalog->remove("big").ok());
  ASSERT_TRUE(catalog->pull("big", {}).ok());
  EXPECT_EQ(server_.requests, 2);
}

TEST_F(Pull, AnAnswerThatBreaksOffIsContinuedByTheNextPull) {
  const auto catalog = open();
  server_.cut_at = 1'000;
  const auto broken = catalog->pull(kId, {});
  EXPECT_EQ(broken.error().code, Code::download_failed);
  EXPECT_EQ(fs::file_size(home_ / "models/big.gguf.partial"), 1'000u);
  EXPECT_EQ(catalog->resolve(kId).error().code, Code::model_not_installed);
  ASSERT_TRUE(catalog->pull(kId, {}).ok());
  EXPECT_EQ(server_.last_range, 1'000u);
  EXPECT_EQ(server_.bytes_sent, server_.body.size());
  EXPECT_EQ(files_left(), 1u);
}

TEST_F(Pull, OtherBytesThanPromisedAreThrownAway) {
  const auto catalog = open(std::string(64, 'b'), server_.body.size());
  const auto refused = catalog->pull(kId, {});
  EXPECT_EQ(refused.error().code, Code::checksum_mismatch);
  EXPECT_NE(refused.error().message.find(sha256_), std::string::npos);
  EXPECT_EQ(files_left(), 0u);
}

TEST_F(Pull, APartialFileOfAnotherVersionEndsInACleanFetch) {
  const auto catalog = open();
  write_file(home_ / "models/big.gguf.partial", std::string(500, 'z'));
  EXPECT_EQ(catalog->pull(kId, {}).error().code, Code::checksum_mismatch);
  ASSERT_TRUE(catalog->pull(kId, {}).ok());
}

TEST_F(Pull, APartialFileThatIsTooLongIsStartedAfresh) {
  const auto catalog = open();
  write_file(home_ / "models/big.gguf.partial", std::string(100'000, 'z'));
  ASSERT_TRUE(catalog->pull(kId, {}).ok());
}

TEST_F(Pull, AWholePartialFileIsOnlyChecked) {
  const auto catalog = open();
  write_file(home_ / "models/big.gguf.partial", server_.body);
  ASSERT_TRUE(catalog->pull(kId, {}).ok());
  EXPECT_EQ(server_.requests, 0);
}

TEST_F(Pull, AFileWithoutAPublishedSumIsRecordedWithTheOneItHas) {
  const auto catalog = open("", 0);
  std::string last;
  const auto installed = catalog->pull(
      kId, [&](std::uint64_t, std::uint64_t, std::string_view doing) { last = doing; });
  ASSERT_TRUE(installed.ok()) << installed.error().message;
  EXPECT_EQ(installed->sha256, sha256_);
  EXPECT_NE(last.find("none is published"), std::string::npos);
}

TEST_F(Pull, ARefusalNamesThePageOfTheRepository) {
  const auto catalog = open();
  for (const int status : {401, 403, 404, 500}) {
    server_.status = status;
    const auto refused = catalog->pull(kId, {});
    EXPECT_EQ(refused.error().code, Code::download_failed);
    const std::string& message = refused.error().message;
    EXPECT_NE(message.find(std::to_string(status)), std::string::npos) << message;
    EXPECT_NE(message.find(server_.url("/owner/name")), std::string::npos) << message;
    EXPECT_EQ(files_left(), 0u);
  }
}

TEST_F(Pull, AFileThatIsNoModelIsThrownAway) {
  server_.body = "<html>please log in</html>";
  const auto catalog = open("", 0);
  EXPECT_EQ(catalog->pull(kId, {}).error().code, Code::file_invalid);
  EXPECT_EQ(files_left(), 0u);
}

TEST_F(Pull, WhatCannotBePulledSaysWhy) {
  const auto catalog = open();
  EXPECT_EQ(catalog->pull("@cf/none", {}).error().code, Code::model_not_found);
  const auto made = catalog->pull("made", {});
  EXPECT_EQ(made.error().code, Code::download_failed);
  EXPECT_NE(made.error().message.find("./run"), std::string::npos);
  EXPECT_EQ(catalog->pull("@cf/t/speech", {}).error().code, Code::model_unsupported);
  const auto lone = catalog->pull("@cf/t/lone", {});
  EXPECT_EQ(lone.error().code, Code::download_failed);
  EXPECT_NE(lone.error().message.find("huggingface.co/maker/name"), std::string::npos);
  const auto vast = catalog->pull("vast", {});
  EXPECT_EQ(vast.error().code, Code::io);
  EXPECT_NE(vast.error().message.find("no room"), std::string::npos);
  EXPECT_EQ(server_.requests, 0);
}

TEST_F(Pull, TwoPullsOfOneFileAtOnceDoNotMix) {
  const auto catalog = open();
  auto first = Intake::begin(home_ / "models", "big.gguf");
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(catalog->pull(kId, {}).error().code, Code::unavailable);
  { const Intake released = *std::move(first); }
  EXPECT_TRUE(catalog->pull(kId, {}).ok());
}

TEST_F(Pull, AModelComesWithThePartsThatItNeeds) {
  const std::string url = server_.url("/owner/name/resolve/main/x.gguf");
  const auto artifact = [&](const std::string& name, const std::string& rest) {
    return R"({"name": ")" + name + R"(", "file": ")" + name +
           R"(.gguf", "licence": "MIT", "task": "Text-to-Image", "models": ["@cf/t/flux"], "url": ")" +
           url + "\"" + rest + "}";
  };
  auto table = ModelTable::parse(
      R"({"models": [{"id": "@cf/t/flux", "description": "d", "task": "Text-to-Image"}]})",
      R"({"artifacts": [)" + artifact("flux", "") + "," +
          artifact("clip", R"(, "part": "clip_l")") + "," +
          artifact("extra", R"(, "part": "vae", "optional": true)") + "]}");
  ASSERT_TRUE(table.ok()) << table.error().message;
  const auto catalog = *LocalCatalog::open(home_.path(), Profile::auto_, *table);
  std::vector<std::string> doings;
  const auto pulled =
      catalog->pull("@cf/t/flux", [&](std::uint64_t, std::uint64_t, std::string_view doing) {
        if (doings.empty() || doings.back() != doing) doings.emplace_back(doing);
      });
  ASSERT_TRUE(pulled.ok()) << pulled.error().message;
  EXPECT_EQ(pulled->name, "flux");
  EXPECT_EQ(server_.requests, 2);  // What is optional is fetched by its name.
  EXPECT_EQ(doings.front(), "fetching clip_l");
  const auto resolved = catalog->resolve("@cf/t/flux");
  ASSERT_TRUE(resolved.ok()) << resolved.error().message;
  ASSERT_EQ(resolved->parts.size(), 1u);
  ASSERT_TRUE(catalog->pull("extra", {}).ok());
  EXPECT_EQ(catalog->resolve("@cf/t/flux")->parts.size(), 2u);
}

}  // namespace
}  // namespace selvedge::catalog
