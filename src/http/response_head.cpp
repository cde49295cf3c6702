// Builds response heads; refuses to let a header value split the response.
#include "http/response_head.h"

#include <algorithm>
#include <array>

#include <boost/beast/http/status.hpp>
#include <time.h>

#include "http/text.h"

namespace selvedge::http {
namespace {

// RFC 9110, 5.6.7; always English, whatever the locale.
std::string date_now() {
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t now = ::time(nullptr);
  std::tm parts = {};
  ::gmtime_r(&now, &parts);
  std::array<char, 64> text = {};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                kDays.at(static_cast<std::size_t>(parts.tm_wday)), parts.tm_mday,
                kMonths.at(static_cast<std::size_t>(parts.tm_mon)), parts.tm_year + 1900,
                parts.tm_hour, parts.tm_min, parts.tm_sec);
  return text.data();
}

bool is_servers_own(std::string_view name) {
  static constexpr std::array<std::string_view, 6> kNames = {
      "date", "content-length", "connection", "transfer-encoding", "keep-alive", "upgrade"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](std::string_view own) { return equal_caseless(own, name); });
}

void add_line(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ");
  for (const char c : value) {
    const bool breaks = (c >= '\0' && c < ' ' && c != '\t') || c == '\x7f';
    head.push_back(breaks ? ' ' : c);
  }
  head.append("\r\n");
}

}  // namespace

bool never_has_body(int status) { return status < 200 || status == 204 || status == 304; }

std::string response_head(const Response& response, const HeadOptions& options) {
  const int status = response.status >= 100 && response.status <= 999 ? response.status : 500;
  const auto reason = boost::beast::http::obsolete_reason(
      boost::beast::http::int_to_status(static_cast<unsigned>(status)));
  std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
  head.append(reason.data(), reason.size()).append("\r\n");
  add_line(head, "Date", date_now());
  for (const auto& [name, value] : response.headers.all()) {
    if (name.empty() || !std::all_of(name.begin(), name.end(), is_token_char)) continue;
    if (!is_servers_own(name)) add_line(head, name, value);
  }
  if (options.form == BodyForm::sized)
    add_line(head, "Content-Length", std::to_string(options.length));
  if (options.form == BodyForm::chunked) add_line(head, "Transfer-Encoding", "chunked");
  if (!options.keep_alive)
    add_line(head, "Connection", "close");
  else if (options.http_1_0)
    add_line(head, "Connection", "keep-alive");
  return head.append("\r\n");
}

}  // namespace selvedge::http
