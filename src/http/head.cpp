// Strict reading of request heads. Every refusal here closes the connection, so that nothing after
// a doubtful request is read as another one.
#include "http/head.h"

#include <algorithm>
#include <charconv>

#include <boost/asio/ip/address.hpp>

#include "http/text.h"

namespace selvedge::http {
namespace {

Error bad(const char* message) { return Error{Code::invalid_input, message}; }

bool is_control(char c) { return (c >= '\0' && c < ' ' && c != '\t') || c == '\x7f'; }

Status check_field_line(std::string_view line) {
  if (line.empty()) return ok_status();  // The end of the head.
  if (line.front() == ' ' || line.front() == '\t') return bad("folded header line");
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return bad("header line without a name");
  const std::string_view name = line.substr(0, colon);
  if (!std::all_of(name.begin(), name.end(), is_token_char)) return bad("invalid header name");
  return ok_status();
}

// Length of "http://" or "https://" at the front, or 0.
std::size_t scheme_bytes(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"})
    if (equal_caseless(target.substr(0, scheme.size()), scheme)) return scheme.size();
  return 0;
}

}  // namespace

Status check_head_bytes(std::string_view bytes) {
  if (!bytes.empty() && !is_token_char(bytes.front())) return bad("not an HTTP request");
  std::size_t line_at = 0;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (bytes[at] == '\r') {
      if (at + 1 == bytes.size()) break;
      if (bytes[at + 1] != '\n') return bad("carriage return without line feed");
      if (line_at > 0) SEL_CHECK_OK(check_field_line(bytes.substr(line_at, at - line_at)));
      line_at = ++at + 1;
    } else if (bytes[at] == '\n') {
      return bad("line feed without carriage return");
    } else if (is_control(bytes[at])) {
      return bad("control character in the request head");
    }
  }
  return ok_status();
}

Result<Framing> framing_of(const Headers& headers, bool http_1_0) {
  Framing framing;
  std::optional<std::uint64_t> length;
  int codings = 0;
  for (const auto& [name, value] : headers.all()) {
    if (equal_caseless(name, "content-length")) {
      std::uint64_t number = 0;
      const char* end = value.data() + value.size();
      const auto [stopped, fault] = std::from_chars(value.data(), end, number);
      if (value.empty() || fault != std::errc() || stopped != end)
        return bad("invalid Content-Length");
      if (length) return bad("several Content-Length headers");
      length = number;
    } else if (equal_caseless(name, "transfer-encoding")) {
      if (!equal_caseless(value, "chunked")) return bad("unknown Transfer-Encoding");
      framing.chunked = true;
      ++codings;
    }
  }
  if (codings > 1) return bad("several Transfer-Encoding headers");
  if (framing.chunked && length) return bad("Content-Length beside Transfer-Encoding");
  if (framing.chunked && http_1_0) return bad("Transfer-Encoding in HTTP/1.0");
  framing.length = length.value_or(0);
  return framing;
}

Status read_target(std::string_view target, Request& request) {
  request.host.clear();
  if (const std::size_t scheme = scheme_bytes(target); scheme > 0) {
    target.remove_prefix(scheme);
    const std::size_t authority = std::min(target.find_first_of("/?#"), target.size());
    auto name = host_name(target.substr(0, authority));
    if (!name) return bad("invalid host in the request target");
    request.host = std::move(*name);
    target.remove_prefix(authority);
  }
  const std::string rooted = "/" + std::string(target);
  // Only the absolute form may leave the path out.
  if (!request.host.empty() && !target.starts_with('/')) target = rooted;
  if (target.empty() || target.front() != '/') return bad("the request target must begin with '/'");
  if (target.find('#') != std::string_view::npos) return bad("'#' in the request target");
  const std::size_t mark = target.find('?');
  auto path = percent_decoded(target.substr(0, mark), false);
  if (!path) return bad("invalid percent-encoding in the path");
  if (path->find('\0') != std::string::npos) return bad("NUL in the path");
  request.path = std::move(*path);
  if (mark == std::string_view::npos) return ok_status();
  std::string_view rest = target.substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    auto name = percent_decoded(pair.substr(0, equals), true);
    auto value = percent_decoded(
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), true);
    if (!name || !value) return bad("invalid percent-encoding in the query");
    request.query.emplace_back(std::move(*name), std::move(*value));
  }
  return ok_status();
}

std::optional<std::string> host_name(std::string_view value) {
  std::string_view name = value;
  std::string_view port;
  if (value.starts_with('[')) {
    const std::size_t close = value.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    name = value.substr(1, close - 1);
    port = value.substr(close + 1);
    boost::system::error_code fault;
    boost::asio::ip::make_address_v6(std::string(name), fault);
    if (fault) return std::nullopt;
  } else if (const std::size_t colon = value.find(':'); colon != std::string_view::npos) {
    name = value.substr(0, colon);
    port = value.substr(colon);
  }
  if (!port.empty()) {
    if (port.front() != ':' || port.size() > 6) return std::nullopt;
    port.remove_prefix(1);
    if (!std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; }))
      return std::nullopt;
  }
  if (name.ends_with('.')) name.remove_suffix(1);  // The absolute form of a name.
  if (name.empty() || name.find_first_of(" \t/\\@?#,[]") != std::string_view::npos)
    return std::nullopt;
  return lower_case(name);
}

std::optional<std::string> origin_name(std::string_view value) {
  const std::size_t scheme = scheme_bytes(value);
  if (scheme == 0) return std::nullopt;
  return host_name(value.substr(scheme));
}

bool host_allowed(std::string_view name, const std::vector<std::string>& allowed) {
  if (name == "localhost" || name.ends_with(".localhost")) return true;
  boost::system::error_code fault;
  const auto address = boost::asio::ip::make_address(std::string(name), fault);
  if (!fault && address.is_loopback()) return true;
  return std::any_of(allowed.begin(), allowed.end(), [&](const std::string& entry) {
    return entry == "*" || equal_caseless(host_name(entry).value_or(entry), name);
  });
}

}  // namespace selvedge::http
