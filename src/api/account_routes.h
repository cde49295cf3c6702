// Account routes: who the caller is, as wrangler asks before it does anything else.
#pragma once

#include <string_view>

#include "api/router.h"

namespace selvedge::api {

// GET /client/v4/user, /user/tokens/verify, /accounts and /memberships. There is one user and one
// account to choose, `local`; every other account id works as well, without being listed.
// Source: docs/compatibility.md#accounts.
void add_account_routes(Router& router);

// The answer to a wrong token, or none: with the hosted service's number and words for `path`.
http::Response unauthorized_envelope(std::string_view path);

}  // namespace selvedge::api
