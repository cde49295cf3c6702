// Auth: the token check and the form of account ids.
#include "api/auth.h"

#include <algorithm>
#include <cstddef>

namespace selvedge::api {
namespace {

constexpr std::size_t kAccountBytesMax = 32;

bool equal_in_constant_time(std::string_view sent, std::string_view token) {
  // Walks the sent text, whatever the token is: the time tells only what the client knows.
  unsigned different = sent.size() == token.size() ? 0 : 1;
  for (std::size_t at = 0; at < sent.size(); ++at) {
    const char expected = token.empty() ? '\0' : token[at % token.size()];
    different |= static_cast<unsigned char>(sent[at]) ^ static_cast<unsigned char>(expected);
  }
  return different == 0;
}

bool is_bearer(std::string_view scheme) {
  constexpr std::string_view kBearer = "bearer ";
  return std::equal(scheme.begin(), scheme.end(), kBearer.begin(), kBearer.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

}  // namespace

Status check_token(const http::Request& request, std::span<const std::string> tokens) {
  if (tokens.empty()) return ok_status();
  std::string_view sent = request.headers.get("authorization");
  bool known = false;
  const bool bearer = sent.size() > 7 && is_bearer(sent.substr(0, 7));
  // Anthropic's clients send the key alone.
  if (bearer) {
    sent.remove_prefix(7);
  } else {
    sent = request.headers.get("x-api-key");
  }
  if (!sent.empty()) {
    // Every token is compared: the time does not tell which one was close.
    for (const std::string& token : tokens) {
      const bool same = equal_in_constant_time(sent, token);
      known = known || same;
    }
  }
  if (!known) return Error{Code::unauthorized, "Authentication error"};
  return ok_status();
}

Status check_credential(const http::Request& request) {
  const std::string_view sent = request.headers.get("authorization");
  if (sent.size() > 7 && is_bearer(sent.substr(0, 7))) return ok_status();
  const http::Headers& headers = request.headers;
  if (!headers.get("x-api-key").empty()) return ok_status();
  if (!headers.get("x-auth-key").empty() && !headers.get("x-auth-email").empty()) {
    return ok_status();
  }
  return Error{Code::unauthorized, "Authentication error"};
}

bool valid_account(std::string_view account) {
  if (account.empty() || account.size() > kAccountBytesMax) return false;
  return std::all_of(account.begin(), account.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

}  // namespace selvedge::api
