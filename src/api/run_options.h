// Run options: what a caller asks of a model call beside the model's inputs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "http/message.h"

namespace selvedge::api {

// Source: docs/compatibility.md#options-of-a-call.
struct RunOptions {
  bool queue_request = false;        // Answer later: the inputs are a batch.
  bool reject_if_busy = false;       // queue_full at once, unless the call can start now.
  bool return_raw_response = false;  // For the binding's class; the answer is the same.
  std::vector<std::string> tags;     // Up to 5 different ones, in the order given.
  bool progress = false;             // Of pictures and speech: how far it is, as events. Ours.
  std::optional<bool> store;         // Of a picture: whether it is kept in the store. Ours.
  std::string store_name;            // Under this name; empty = one of the server's.
  std::string gateway;               // Id of the AI Gateway that is named; empty = none.
};

// From the query string: `?rejectIfBusy=true&tags=a,b`. Errors: invalid_input, not_served
// (`websocket`).
Result<RunOptions> query_run_options(const http::Request& request);

// From an object `options` in a body; what it names replaces what `options` holds. Unknown names
// (`prefix`, `extraHeaders`) are left alone. Errors: as above.
Status add_run_options(const nlohmann::json& given, RunOptions& options);

}  // namespace selvedge::api
