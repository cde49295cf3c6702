// Auth: bearer tokens, when the server was given any.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace selvedge::api {

// Ok when `tokens` is empty or the request carries one of them as `Authorization: Bearer …`. The
// comparison takes the same time wherever a wrong token differs. Errors: unauthorized.
Status check_token(const http::Request& request, std::span<const std::string> tokens);

// Ok when the request carries any credential of Cloudflare's API: a bearer token, or a key with the
// email it belongs to. Errors: unauthorized.
Status check_credential(const http::Request& request);

// Account ids are up to 32 letters, digits, '-' and '_'; any such id is a space of its own.
bool valid_account(std::string_view account);

}  // namespace selvedge::api
