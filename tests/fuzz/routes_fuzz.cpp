// Fuzzes the bodies of every route, through the door, over a real store in a temporary folder.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio.hpp>
#include <nlohmann/json.hpp>

#include "api/fakes.h"
#include "api/server_door.h"
#include "base/check.h"

namespace {

namespace asio = boost::asio;
namespace api = selvedge::api;
namespace http = selvedge::http;

constexpr std::string_view kAccount = "/client/v4/accounts/fuzz";
constexpr int kRunsPerIndex = 4'096;  // Then the index is made anew: what a run finds is bounded.

class Fuzzed {
 public:
  Fuzzed() {
    std::string folder = (std::filesystem::temp_directory_path() / "selvedge-fuzz-XXXXXX").string();
    SEL_CHECK(::mkdtemp(folder.data()) != nullptr);
    folder_ = folder;
    auto store = selvedge::vectors::Store::open(folder_);
    SEL_CHECK(store.ok());
    store_ = std::move(*store);
    auto finetunes = selvedge::catalog::Finetunes::open(folder_ / "adapters");
    SEL_CHECK(finetunes.ok());
    finetunes_ = std::move(*finetunes);
    door_ = std::make_unique<api::ServerDoor>(api::ApiContext{.catalog = catalog_,
                                                              .inference = inference_,
                                                              .store = *store_,
                                                              .pool = pool_,
                                                              .version = "1.2.3",
                                                              .finetunes = finetunes_.get()});
    for (const std::string& operation : door_->router().operations()) add(operation);
  }
  Fuzzed(const Fuzzed&) = delete;
  Fuzzed& operator=(const Fuzzed&) = delete;
  ~Fuzzed() {
    pool_.join();
    door_.reset();
    finetunes_.reset();
    store_.reset();
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
  }

  // The first byte picks the route, the second a content type, a query and whether a line with the
  // recall precedes the body, which is the rest.
  void run(std::string_view input) {
    if (runs_++ % kRunsPerIndex == 0) new_index();
    const auto route = static_cast<unsigned char>(input[0]);
    const auto form = static_cast<unsigned char>(input[1]);
    static constexpr std::string_view kTypes[] = {"application/json", "application/x-ndjson",
                                                  "multipart/form-data; boundary=b",
                                                  "application/octet-stream"};
    const auto& [method, path] = routes_[route % routes_.size()];
    input.remove_prefix(2);
    std::string recall;
    if ((form & 8) != 0) {
      recall = input.substr(0, input.find('\n'));
      input.remove_prefix(std::min(input.size(), recall.size() + 1));
    }
    ask(method, path, std::string(input), kTypes[form % 4], (form & 4) != 0, recall);
  }

 private:
  // "POST /a/{account}/{model...}" with names that exist.
  void add(const std::string& operation) {
    const std::size_t space = operation.find(' ');
    const std::string method = operation.substr(0, space);
    const std::string pattern = operation.substr(space + 1);
    for (const std::string_view model : {"@cf/text", "@cf/embed"}) {
      std::string path;
      for (std::size_t at = 0; at < pattern.size(); ++at) {
        if (pattern[at] != '{') {
          path += pattern[at];
          continue;
        }
        const std::size_t end = pattern.find('}', at);
        const std::string name = pattern.substr(at + 1, end - at - 1);
        path += name == "account" ? "fuzz" : name.starts_with("model") ? model : "docs";
        at = end;
      }
      routes_.emplace_back(method, path);
      if (pattern.find("{model") == pattern.npos) break;
    }
  }

  void new_index() {
    const std::string indexes = std::string(kAccount) + "/vectorize/v2/indexes";
    ask("DELETE", indexes + "/docs", "", "", false);
    ask("POST", indexes, R"({"name":"docs","config":{"dimensions":2,"metric":"cosine"}})",
        "application/json", false);
  }

  asio::awaitable<http::Response> whole(http::Request request) {
    auto response = co_await door_->handle(std::move(request));
    while (response.stream) {
      auto piece = co_await response.stream->next();
      if (!piece) break;
      response.body += *piece;
    }
    co_return std::move(response);
  }

  void ask(const std::string& method, const std::string& path, std::string body,
           std::string_view content_type, bool discard, const std::string& recall = "") {
    http::Request request;
    request.method = method;
    request.target = request.path = path;
    if (discard) request.query.emplace_back("unparsable-behavior", "discard");
    request.headers.set("content-type", std::string(content_type));
    if (!recall.empty()) request.headers.set("selvedge-recall", recall);
    request.body = std::move(body);
    asio::io_context io{1};
    auto answer = asio::co_spawn(io, whole(std::move(request)), asio::use_future);
    io.run();
    check(answer.get());
  }

  static void check(const http::Response& response) {
    SEL_CHECK(response.status != 500);
    const std::string_view type = response.headers.get("content-type");
    if (type != "application/json") return;
    SEL_CHECK(nlohmann::json::accept(response.body));
  }

  std::filesystem::path folder_;
  api::fakes::FakeCatalog catalog_;
  api::fakes::FakeInference inference_;
  asio::thread_pool pool_{1};
  std::unique_ptr<selvedge::vectors::Store> store_;
  std::unique_ptr<selvedge::catalog::Finetunes> finetunes_;
  std::unique_ptr<api::ServerDoor> door_;
  std::vector<std::pair<std::string, std::string>> routes_;
  int runs_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Fuzzed fuzzed;
  if (size < 2) return 0;
  fuzzed.run(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
