// Paths, retries, and the sizes that differ between servers.
#include "cli/vectorize_client.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <nlohmann/json.hpp>
#include <poll.h>

#include "base/limits.h"
#include "http/client.h"

namespace selvedge::cli {
namespace {

using nlohmann::json;

constexpr int kTriesMax = 9;
constexpr int kFirstPauseMs = 250;
constexpr int kPauseMsMax = 5'000;
constexpr int kSilenceMsMax = 120'000;
// The hosted service answers 40007 to more (docs/compatibility.md#strict-mode).
constexpr std::size_t kHostedIdsPerCall = 20;

bool wants_patience(int status) { return status == 429 || status >= 500; }

// `Retry-After` in seconds, else ever longer.
int pause_ms(int tries, const http::ClientResponse* answer) {
  int pause = std::min(kFirstPauseMs << std::min(tries, 10), kPauseMsMax);
  if (answer == nullptr) return pause;
  const std::string told(answer->headers.get("retry-after"));
  int seconds = 0;
  const auto [at, failed] = std::from_chars(told.data(), told.data() + told.size(), seconds);
  if (failed == std::errc() && seconds > 0) pause = std::min(seconds, 60) * 1'000;
  return pause;
}

Error refusal(const http::ClientResponse& answer) {
  Error error = said_by_server(answer.status, answer.body);
  if (wants_patience(answer.status)) {
    error.code = Code::unavailable;
  } else if (answer.status == 401 || answer.status == 403) {
    error.code = Code::unauthorized;
  } else if (answer.status == 404 || answer.status == 410) {
    error.code = Code::index_not_found;
  } else {
    error.code = Code::invalid_input;
  }
  return error;
}

std::string index_path(const std::string& indexes, const std::string& name,
                       std::string_view rest = {}) {
  return indexes + "/" + http::percent_encoded(name) + std::string(rest);
}

}  // namespace

VectorizeClient::VectorizeClient(VectorizePlace place)
    : client_(place.url, "server", std::move(place.token)),
      url_(std::move(place.url)),
      indexes_path_("/accounts/" + http::percent_encoded(place.account) + "/vectorize/v2/indexes"),
      ids_per_call_(limits::ids_per_call_max) {}

Result<std::string> VectorizeClient::ask(std::string_view method, const std::string& path,
                                         const std::string& body, std::string_view type) {
  for (int tries = 0;; ++tries) {
    auto answer = client_.exchange(method, path, body, std::string(type), kSilenceMsMax);
    const bool came = answer.ok();
    const bool fine = came && answer->status >= 200 && answer->status <= 299;
    if (fine) {
      answered_ = true;
      return std::move(answer->body);
    }
    if (came && !wants_patience(answer->status)) return refusal(*answer);
    if (tries + 1 == kTriesMax || (!came && !answered_)) {
      if (came) return refusal(*answer);
      return Error{Code::unavailable, url_ + " does not answer (" + answer.error().message + ")"};
    }
    ::poll(nullptr, 0, pause_ms(tries, came ? &*answer : nullptr));
  }
}

Result<json> VectorizeClient::ask_json(std::string_view method, const std::string& path,
                                       const std::string& body) {
  SEL_TRY(text, ask(method, path, body));
  auto answer = json::parse(text, nullptr, false);
  if (!answer.is_object() || !answer.contains("result")) {
    return Error{Code::internal, url_ + " answers in another form than Vectorize does"};
  }
  return std::move(answer["result"]);
}

Result<json> VectorizeClient::index(const std::string& name) {
  return ask_json("GET", index_path(indexes_path_, name));
}

Status VectorizeClient::create(const json& body) {
  SEL_TRY(made, ask_json("POST", indexes_path_, body.dump()));
  return ok_status();
}

Result<std::uint64_t> VectorizeClient::count(const std::string& name) {
  SEL_TRY(info, ask_json("GET", index_path(indexes_path_, name, "/info")));
  return info.is_object() ? info.value("vectorCount", std::uint64_t{0}) : 0;
}

Result<json> VectorizeClient::metadata_indexes(const std::string& name) {
  SEL_TRY(result, ask_json("GET", index_path(indexes_path_, name, "/metadata_index/list")));
  return result.is_object() ? result.value("metadataIndexes", json::array()) : json::array();
}

Status VectorizeClient::create_metadata_index(const std::string& name, const json& index) {
  const std::string path = index_path(indexes_path_, name, "/metadata_index/create");
  SEL_TRY(made, ask_json("POST", path, index.dump()));
  return ok_status();
}

Result<std::vector<std::string>> VectorizeClient::list_ids(const std::string& name,
                                                           const Told& told) {
  const std::string first =
      index_path(indexes_path_, name, "/list?count=" + std::to_string(limits::list_count_max));
  std::vector<std::string> ids;
  std::string cursor;
  do {
    SEL_TRY(page, ask_json("GET", cursor.empty() ? first : first + "&cursor=" + cursor));
    if (!page.is_object() || !page.contains("vectors") || !page["vectors"].is_array()) {
      return Error{Code::internal, url_ + " lists in another form than Vectorize does"};
    }
    for (const json& vector : page["vectors"]) {
      if (vector.is_object()) ids.push_back(vector.value("id", ""));
    }
    const json next = page.value("nextCursor", json());
    cursor = next.is_string() ? http::percent_encoded(next.get<std::string>()) : "";
    told(ids.size(), page.value("totalCount", std::uint64_t{0}));
  } while (!cursor.empty());
  return ids;
}

Result<VectorPage> VectorizeClient::get(const std::string& name, std::span<const std::string> ids,
                                        bool with_values) {
  const std::string path = index_path(indexes_path_, name, "/get_by_ids");
  VectorPage all;
  while (!ids.empty()) {
    const auto asked = ids.first(std::min(ids.size(), ids_per_call_));
    auto text = ask("POST", path, json{{"ids", asked}}.dump());
    if (!text.ok() && text.error().code == Code::invalid_input &&
        asked.size() > kHostedIdsPerCall) {
      ids_per_call_ = kHostedIdsPerCall;
      continue;
    }
    SEL_TRY(answer, std::move(text));
    SEL_TRY(page, read_vector_page(answer, with_values));
    std::move(page.ids.begin(), page.ids.end(), std::back_inserter(all.ids));
    std::move(page.lines.begin(), page.lines.end(), std::back_inserter(all.lines));
    std::move(page.values.begin(), page.values.end(), std::back_inserter(all.values));
    ids = ids.subspan(asked.size());
  }
  return all;
}

Status VectorizeClient::write(const std::string& name, std::string_view verb,
                              const std::string& lines) {
  SEL_TRY(answer, ask("POST", index_path(indexes_path_, name, "/" + std::string(verb)), lines,
                      "application/x-ndjson"));
  return ok_status();
}

}  // namespace selvedge::cli
