// Payer: whom a request's model calls are booked to.
#pragma once

#include <string_view>

#include "http/message.h"
#include "inference/inference.h"

namespace selvedge::api {

// `account` empty: "local". The key is "key-" and eight digits of the SHA-256 of the bearer token
// (or of `x-auth-key`, or of `x-api-key`), so that keys are told apart and none is kept.
inference::Payer payer_of(const http::Request& request, std::string_view account);

}  // namespace selvedge::api
