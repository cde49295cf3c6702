// Request id: the UUID by which one model call is called in its answer.
#pragma once

#include <string>

#include "api/context.h"
#include "http/message.h"

namespace selvedge::api {

// Random; under a seed it follows from what is asked, and from how often that was asked before.
std::string request_id_of(const ApiContext& context, const http::Request& request);

// A number that follows from a request's id: for padding and the like.
unsigned number_of(const std::string& request_id);

}  // namespace selvedge::api
