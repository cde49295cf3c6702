// Door form: the shape in which the door that was asked tells a failure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace selvedge::api {

enum class DoorForm : std::uint8_t {
  ai_binding,
  vectorize_binding,
  openai,
  messages,    // Anthropic's.
  workers_ai,  // The envelope of …/ai/run.
  vectorize,   // The envelope of …/vectorize.
  envelope,    // Of the rest under /client/v4.
  plain,
};

// Told by host, headers and path. Null: plain.
DoorForm door_form(const http::Request* request);

// A whole answer. `request_id` is for the forms that tell one.
http::Response failure_response(DoorForm form, const Error& error, std::string_view request_id);

// The JSON of the same failure, for a stream that has already begun.
std::string failure_json(DoorForm form, const Error& error, std::string_view request_id);

}  // namespace selvedge::api
