// The URL is read strictly: what workerd would take for something else is refused here, in words.
#include "launcher/server_place.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

namespace selvedge::launcher {
namespace {

constexpr const char* kDefaultUrl = "http://127.0.0.1:7358";

bool letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool host_name(std::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return letter_or_digit(c) || c == '.' || c == '-' || c == '_';
  });
}

bool v6_address(std::string_view host) {
  return host.size() > 2 && host.front() == '[' && host.back() == ']' &&
         std::all_of(host.begin() + 1, host.end() - 1,
                     [](char c) { return letter_or_digit(c) || c == ':' || c == '.'; });
}

bool port_number(std::string_view text) {
  int port = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), port);
  return wrong == std::errc() && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

Error bad_url(const std::string& url) {
  return Error{Code::invalid_input,
               "SELVEDGE_URL is \"" + url + "\"; expected http://host:port, without a path"};
}

Result<ServerPlace> place_of(const std::string& url) {
  ServerPlace place;
  std::string_view rest = url;
  while (rest.ends_with('/')) rest.remove_suffix(1);
  place.url = std::string(rest);
  if (rest.starts_with("https://")) {
    place.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return bad_url(url);
  }
  const auto bracket = rest.find(']');
  const auto colon = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const std::string_view host = rest.substr(0, colon);
  const std::string_view port =
      colon == std::string_view::npos ? (place.tls ? "443" : "80") : rest.substr(colon + 1);
  if (!(host_name(host) || v6_address(host)) || !port_number(port)) return bad_url(url);
  place.host = v6_address(host) ? std::string(host.substr(1, host.size() - 2)) : std::string(host);
  place.address = std::string(host) + ":" + std::string(port);
  return place;
}

// What may stand in a header; the server judges the rest.
bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

Result<ServerPlace> server_place(const Variables& variables) {
  const std::string url = variables("SELVEDGE_URL");
  SEL_TRY(place, place_of(url.empty() ? kDefaultUrl : url));
  for (const char* name : {"SELVEDGE_ACCOUNT", "CLOUDFLARE_ACCOUNT_ID"}) {
    if (!place.account.empty()) break;
    place.account = variables(name);
    if (!printable(place.account)) {
      return Error{Code::invalid_input, std::string(name) + " is not an account id"};
    }
  }
  place.token = variables("SELVEDGE_TOKEN");
  if (!printable(place.token)) {
    return Error{Code::invalid_input, "SELVEDGE_TOKEN holds characters that no token has"};
  }
  return place;
}

}  // namespace selvedge::launcher
