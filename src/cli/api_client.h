// ApiClient: one call of a Selvedge server, its errors in words.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "http/client.h"
#include "http/event_stream.h"

namespace selvedge::cli {

// The message of an error body: {"errors":[{"message"}]}, {"error":{"message"}} or text.
Error said_by_server(int status, const std::string& body);

class ApiClient {
 public:
  // `base_url` without a slash at the end. `what` names the far side in errors: "server" or "bot".
  // `token` empty: "local" goes in its place, since a server under the hosted rules wants some.
  ApiClient(std::string base_url, std::string what, std::string token = {})
      : base_url_(std::move(base_url)), what_(std::move(what)), token_(std::move(token)) {}

  // The JSON of a 2xx answer. `content_type` empty: JSON when there is a body.
  // Errors: unavailable (not running: the message says how to start it), internal (what the server
  // said).
  Result<nlohmann::json> call(std::string_view method, std::string_view path, std::string body = {},
                              std::string content_type = {}) const;

  // The answer as it came, whatever its status. `silence_ms_max`: see ClientRequest. Errors: those
  // of http::send.
  Result<http::ClientResponse> exchange(std::string_view method, std::string_view path,
                                        std::string body = {}, std::string content_type = {},
                                        int silence_ms_max = 0) const;

  // As `call`, for answers that come as server-sent events. `on_start` is told the headers
  // `selvedge-model` and `selvedge-answer` before the first event.
  Status stream(
      std::string_view path, std::string body,
      const std::function<void(std::string_view model, std::string_view answer)>& on_start,
      const std::function<void(const http::ServerEvent&)>& on_event,
      std::string content_type = {}) const;

 private:
  std::string base_url_;
  std::string what_;
  std::string token_;
};

}  // namespace selvedge::cli
