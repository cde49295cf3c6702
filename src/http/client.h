// Client: blocking HTTP(S) requests over libcurl, for the CLI and for downloads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "http/message.h"

namespace selvedge::http {

// Signs a request as Amazon's services and those like them want it (Signature Version 4).
struct AwsSignature {
  std::string access_key;
  std::string secret_key;
  std::string region;   // "us-east-1"
  std::string service;  // "s3"
};

struct ClientRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  int connect_ms_max = 5'000;
  int silence_ms_max = 0;  // No byte for this long ends it; 0 = wait.
  // Asked again and again, within a second; true ends the request (Code::cancelled). May be empty.
  std::function<bool()> stopped = {};
  std::optional<AwsSignature> signature = std::nullopt;
};

struct ClientResponse {
  int status = 0;
  Headers headers;
  std::string body;
};

// Any status is a response. Errors: unavailable (cannot connect), io (broken off),
// deadline_exceeded, cancelled.
Result<ClientResponse> send(const ClientRequest& request);

// As `send`, but hands the body over as it comes; `on_bytes` returns false to stop
// (Code::cancelled). The body of the returned response is empty. `on_headers` is called once,
// before the first byte.
Result<ClientResponse> send_streaming(const ClientRequest& request,
                                      const std::function<void(const ClientResponse&)>& on_headers,
                                      const std::function<bool(std::string_view)>& on_bytes);

// Fetches `url` into `file`, continuing a partial file with a Range request where the server
// allows. Follows redirects over https only (http is allowed to loopback). `on_progress(done,
// total)`; total 0 = unknown. `bytes_max` bounds the file. `bearer` (empty: none) is sent to the
// server of `url` and to no other. Errors: download_failed (status or network; the partial file
// stays), io.
Status download(const std::string& url, const std::filesystem::path& file, std::uint64_t bytes_max,
                const std::function<void(std::uint64_t, std::uint64_t)>& on_progress,
                const std::string& bearer = {});

// Percent-encodes what is not unreserved in a path segment.
std::string percent_encoded(std::string_view text);

}  // namespace selvedge::http
