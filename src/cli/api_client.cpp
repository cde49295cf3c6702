// Turns the error bodies of both doors (envelope and plain) into one message.
#include "cli/api_client.h"

#include <nlohmann/json.hpp>

namespace selvedge::cli {
namespace {

Error not_running(const std::string& what, const std::string& base_url) {
  const std::string verb = what == "bot" ? "selvedge bot" : "selvedge serve";
  return Error{Code::unavailable,
               "no " + what + " answers at " + base_url + "; start one with \"" + verb + "\""};
}

http::ClientRequest request_of(std::string_view method, std::string url, std::string body,
                               std::string content_type, const std::string& token) {
  http::ClientRequest request;
  request.method = method;
  request.url = std::move(url);
  // A server that asks for no token of its own may still want that there is one (--strict).
  request.headers.emplace_back("authorization", "Bearer " + (token.empty() ? "local" : token));
  if (!body.empty()) {
    request.headers.emplace_back("content-type",
                                 content_type.empty() ? "application/json" : content_type);
  }
  request.body = std::move(body);
  return request;
}

}  // namespace

Error said_by_server(int status, const std::string& body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (json.is_object()) {
    if (const auto errors = json.find("errors");
        errors != json.end() && errors->is_array() && !errors->empty()) {
      return Error{Code::internal, errors->front().value("message", "unknown error")};
    }
    if (const auto error = json.find("error"); error != json.end() && error->is_object()) {
      return Error{Code::internal, error->value("message", "unknown error")};
    }
  }
  return Error{Code::internal, "the server answered " + std::to_string(status)};
}

Result<http::ClientResponse> ApiClient::exchange(std::string_view method, std::string_view path,
                                                 std::string body, std::string content_type,
                                                 int silence_ms_max) const {
  auto request = request_of(method, base_url_ + std::string(path), std::move(body),
                            std::move(content_type), token_);
  request.silence_ms_max = silence_ms_max;
  return http::send(request);
}

Result<nlohmann::json> ApiClient::call(std::string_view method, std::string_view path,
                                       std::string body, std::string content_type) const {
  auto response = exchange(method, path, std::move(body), std::move(content_type));
  if (!response.ok()) {
    if (response.error().code == Code::unavailable) return not_running(what_, base_url_);
    return response.error();
  }
  if (response->status < 200 || response->status > 299) {
    return said_by_server(response->status, response->body);
  }
  auto json = nlohmann::json::parse(response->body, nullptr, false);
  if (json.is_discarded()) return Error{Code::internal, "the " + what_ + " sent no JSON"};
  return json;
}

Status ApiClient::stream(
    std::string_view path, std::string body,
    const std::function<void(std::string_view model, std::string_view answer)>& on_start,
    const std::function<void(const http::ServerEvent&)>& on_event, std::string content_type) const {
  http::EventStream events(on_event);
  int status = 0;
  std::string error_body;
  auto response = http::send_streaming(
      request_of("POST", base_url_ + std::string(path), std::move(body), std::move(content_type),
                 token_),
      [&](const http::ClientResponse& head) {
        status = head.status;
        if (status == 200) {
          on_start(head.headers.get("selvedge-model"), head.headers.get("selvedge-answer"));
        }
      },
      [&](std::string_view bytes) {
        if (status == 200) {
          events.feed(bytes);
        } else {
          error_body.append(bytes);
        }
        return true;
      });
  if (!response.ok()) {
    if (response.error().code == Code::unavailable) return not_running(what_, base_url_);
    return response.error();
  }
  if (status != 200) return said_by_server(status, error_body);
  return ok_status();
}

}  // namespace selvedge::cli
