// Payer: the account of the path, and the name of a token.
#include "api/payer.h"

#include <string>

#include "base/sha256.h"

namespace selvedge::api {
namespace {

constexpr std::size_t kKeyDigits = 8;

std::string_view credential(const http::Headers& headers) {
  const std::string_view sent = headers.get("authorization");
  if (const std::size_t space = sent.find(' '); space != sent.npos) return sent.substr(space + 1);
  const std::string_view key = headers.get("x-auth-key");
  return key.empty() ? headers.get("x-api-key") : key;
}

}  // namespace

inference::Payer payer_of(const http::Request& request, std::string_view account) {
  inference::Payer payer;
  payer.account = account.empty() ? "local" : std::string(account);
  const std::string_view secret = credential(request.headers);
  if (secret.empty()) return payer;
  Sha256 digest;
  digest.add(secret);
  payer.key = "key-" + digest.hex().substr(0, kKeyDigits);
  return payer;
}

}  // namespace selvedge::api
