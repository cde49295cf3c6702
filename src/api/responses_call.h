// Responses call: OpenAI's Responses from JSON to a task.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "api/openai_call.h"
#include "api/openai_fields.h"

namespace selvedge::api {

struct ResponsesCall {
  std::string model;
  inference::GenerateTask task;
  std::string lora = {};  // Id or name of a fine-tune; empty = none.
  bool stream = false;
  // What the answer repeats, as JSON.
  std::string echoed;
};

// `body` is an object with `model` and `input`. What is kept on the server
// (`previous_response_id`, `conversation`, `background`) and tools that the server would run are
// refused. Source: docs/compatibility.md#responses.
OpenAiParsed<ResponsesCall> parse_responses(const nlohmann::json& body,
                                            const OpenAiDefaults& defaults);

}  // namespace selvedge::api
