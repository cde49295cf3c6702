// Messages call: Anthropic's Messages from JSON to a task.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "api/openai_fields.h"
#include "inference/inference.h"

namespace selvedge::api {

struct MessagesCall {
  std::string model;
  inference::GenerateTask task;
  std::string lora = {};  // Id or name of a fine-tune; empty = none.
  bool stream = false;
};

// `body` is an object with `model`, `max_tokens` and `messages`. Pictures, documents and tools that
// the service itself would run are refused. Source: docs/compatibility.md#messages.
OpenAiParsed<MessagesCall> parse_messages_call(const nlohmann::json& body);

}  // namespace selvedge::api
