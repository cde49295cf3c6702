// Server place: where the launcher sends the bindings of a Worker, from the environment.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace selvedge::launcher {

// The value of an environment variable; empty when it is not set.
using Variables = std::function<std::string(const char* name)>;

struct ServerPlace {
  std::string url;      // As people read it, without a slash at the end: http://127.0.0.1:7358
  std::string address;  // host:port, [v6]:port
  std::string host;     // What a certificate must name.
  bool tls = false;
  std::string account;  // Empty: the server's own default.
  std::string token;    // Empty: none is sent.
};

// SELVEDGE_URL (default http://127.0.0.1:7358); SELVEDGE_ACCOUNT, else CLOUDFLARE_ACCOUNT_ID;
// SELVEDGE_TOKEN. Errors: invalid_input where one of them cannot be used; the message names it.
Result<ServerPlace> server_place(const Variables& variables);

}  // namespace selvedge::launcher
