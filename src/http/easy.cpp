// Set-up of libcurl handles, and its errors in our words.
#include "http/easy.h"

#include <mutex>

#include "http/head.h"
#include "http/text.h"

namespace selvedge::http {
namespace {

// The part of a URL between "://" and the path, as libcurl reads it.
std::string host_of(const std::string& url) {
  CURLU* parsed = curl_url();
  if (parsed == nullptr) return {};
  std::string host;
  char* text = nullptr;
  if (curl_url_set(parsed, CURLUPART_URL, url.c_str(), 0) == CURLUE_OK &&
      curl_url_get(parsed, CURLUPART_HOST, &text, 0) == CURLUE_OK) {
    host = text;
    curl_free(text);
  }
  curl_url_cleanup(parsed);
  return host;
}

void start_library() {
  static std::once_flag started;
  std::call_once(started, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

}  // namespace

bool is_loopback_url(const std::string& url) {
  const auto name = host_name(host_of(url));
  return name && host_allowed(*name, {});
}

Easy::Easy(const std::string& url) {
  start_library();
  handle_.reset(curl_easy_init());
  if (!handle_) return;
  host_ = host_of(url);
  fault_text_.resize(CURL_ERROR_SIZE);
  set(CURLOPT_ERRORBUFFER, fault_text_.data());
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_USERAGENT, "selvedge/" SELVEDGE_VERSION);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  if (is_loopback_url(url)) set(CURLOPT_NOPROXY, "*");
}

void Easy::add_request_header(const std::string& line) {
  curl_slist* longer = curl_slist_append(headers_.get(), line.c_str());
  if (longer == nullptr) return;
  static_cast<void>(headers_.release());
  headers_.reset(longer);
  set(CURLOPT_HTTPHEADER, headers_.get());
}

void Easy::set_times(int connect_ms_max, int silence_ms_max) {
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_ms_max));
  if (silence_ms_max <= 0) return;
  // libcurl counts silence in whole seconds.
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>((silence_ms_max + 999) / 1000));
}

void Easy::add_header_line(std::string_view line, Headers& headers) const {
  if (line.starts_with("HTTP/")) {
    headers = Headers();
    return;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  std::string_view value = line.substr(colon + 1);
  while (value.ends_with('\r') || value.ends_with('\n')) value.remove_suffix(1);
  headers.add(std::string(line.substr(0, colon)), std::string(trimmed(value)));
}

Status Easy::perform() {
  const CURLcode result = curl_easy_perform(handle_.get());
  if (result == CURLE_OK) return ok_status();
  const std::string reason =
      fault_text_.front() != '\0' ? fault_text_.c_str() : curl_easy_strerror(result);
  const std::string text = host_ + ": " + reason;
  double connected_s = 0;
  curl_easy_getinfo(handle_.get(), CURLINFO_PRETRANSFER_TIME, &connected_s);
  switch (result) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_SSL_CONNECT_ERROR:
      return Error{Code::unavailable, text};
    case CURLE_OPERATION_TIMEDOUT:
      return Error{connected_s > 0 ? Code::deadline_exceeded : Code::unavailable, text};
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return Error{Code::invalid_input, "not an http or https URL"};
    default:
      return Error{Code::io, text};
  }
}

int Easy::status() const {
  long status = 0;
  curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

std::string Easy::redirect_url() const {
  const char* url = nullptr;
  curl_easy_getinfo(handle_.get(), CURLINFO_REDIRECT_URL, &url);
  return url == nullptr ? "" : url;
}

}  // namespace selvedge::http
