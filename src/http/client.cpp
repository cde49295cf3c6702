// Requests over libcurl's easy interface, one handle a call.
#include "http/client.h"

#include <curl/curl.h>

#include "http/easy.h"
#include "http/text.h"

namespace selvedge::http {
namespace {

// What the callbacks of one request fill.
struct Exchange {
  Easy& easy;
  const std::function<void(const ClientResponse&)>& on_headers;
  const std::function<bool(std::string_view)>& on_bytes;
  ClientResponse response;
  bool told = false;
  bool stopped = false;

  void tell() {
    if (told) return;
    told = true;
    response.status = easy.status();
    if (on_headers) on_headers(response);
  }
};

std::size_t take_body(char* bytes, std::size_t, std::size_t count, void* to) {
  auto& exchange = *static_cast<Exchange*>(to);
  exchange.tell();
  if (!exchange.on_bytes) {
    exchange.response.body.append(bytes, count);
    return count;
  }
  exchange.stopped = !exchange.on_bytes(std::string_view(bytes, count));
  return exchange.stopped ? count + 1 : count;  // Another count ends the transfer.
}

int ask_whether_stopped(void* of, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& [request, exchange] = *static_cast<std::pair<const ClientRequest&, Exchange&>*>(of);
  exchange.stopped = exchange.stopped || request.stopped();
  return exchange.stopped ? 1 : 0;
}

std::size_t take_header(char* bytes, std::size_t, std::size_t count, void* to) {
  static_cast<Exchange*>(to)->easy.add_header_line(std::string_view(bytes, count),
                                                   static_cast<Exchange*>(to)->response.headers);
  return count;
}

void set_method(Easy& easy, const ClientRequest& request) {
  if (request.method == "HEAD") {
    easy.set(CURLOPT_NOBODY, 1L);
    return;
  }
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    easy.set(CURLOPT_POSTFIELDS, request.body.c_str());
    easy.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  }
  easy.set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

void sign(Easy& easy, const AwsSignature& signature) {
  const std::string kind = "aws:amz:" + signature.region + ":" + signature.service;
  easy.set(CURLOPT_AWS_SIGV4, kind.c_str());
  easy.set(CURLOPT_USERNAME, signature.access_key.c_str());
  easy.set(CURLOPT_PASSWORD, signature.secret_key.c_str());
}

Result<ClientResponse> perform(const ClientRequest& request,
                               const std::function<void(const ClientResponse&)>& on_headers,
                               const std::function<bool(std::string_view)>& on_bytes) {
  Easy easy(request.url);
  if (!easy.ready()) return Error{Code::internal, "libcurl cannot start"};
  set_method(easy, request);
  bool has_type = false;
  for (const auto& [name, value] : request.headers) {
    has_type = has_type || equal_caseless(name, "content-type");
    easy.add_request_header(name + ": " + value);
  }
  if (!has_type) easy.add_request_header("Content-Type:");  // Not curl's form type.
  if (request.signature) {
    sign(easy, *request.signature);
  } else {
    easy.add_request_header("Expect:");  // No round trip before a body; libcurl would sign this.
  }
  easy.set_times(request.connect_ms_max, request.silence_ms_max);
  Exchange exchange{easy, on_headers, on_bytes, {}, false, false};
  easy.set(CURLOPT_WRITEFUNCTION, &take_body);
  easy.set(CURLOPT_WRITEDATA, &exchange);
  easy.set(CURLOPT_HEADERFUNCTION, &take_header);
  easy.set(CURLOPT_HEADERDATA, &exchange);
  std::pair<const ClientRequest&, Exchange&> asked(request, exchange);
  if (request.stopped) {
    easy.set(CURLOPT_NOPROGRESS, 0L);
    easy.set(CURLOPT_XFERINFOFUNCTION, &ask_whether_stopped);
    easy.set(CURLOPT_XFERINFODATA, &asked);
  }
  const Status ended = easy.perform();
  if (exchange.stopped) return Error{Code::cancelled, "stopped by the caller"};
  if (!ended.ok()) return ended.error();
  exchange.tell();
  return std::move(exchange.response);
}

}  // namespace

Result<ClientResponse> send(const ClientRequest& request) { return perform(request, {}, {}); }

Result<ClientResponse> send_streaming(const ClientRequest& request,
                                      const std::function<void(const ClientResponse&)>& on_headers,
                                      const std::function<bool(std::string_view)>& on_bytes) {
  return perform(request, on_headers, on_bytes);
}

std::string percent_encoded(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain)
      result.push_back(c);
    else
      result.append({'%', kHex[byte >> 4], kHex[byte & 15]});
  }
  return result;
}

}  // namespace selvedge::http
