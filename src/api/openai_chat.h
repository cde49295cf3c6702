// OpenAI chat: chat.completion objects and chunks, from JSON to tasks and from choices to JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "api/openai_answer.h"
#include "api/openai_call.h"

namespace selvedge::api {

// `body` is an object with `model` (where `needs_model`) and `messages`.
// Unknown properties are ignored, as are those that only describe the call (`user`, `metadata`,
// `store`, `service_tier` ...); those that would change the answer and are not served are refused.
// Source: docs/compatibility.md#openai.
OpenAiParsed<OpenAiCall> parse_chat(const nlohmann::json& body, const OpenAiDefaults& defaults,
                                    bool needs_model = true);

// "chat.completion" and "chat.completion.chunk".
class ChatForm final : public OpenAiForm {
 public:
  std::string_view id_prefix() const override { return "chatcmpl-"; }
  std::string_view object(bool chunk) const override;
  void append_choice(std::string& json, std::size_t index, const Choice& choice) const override;
  void append_first(std::string& json, std::size_t index) const override;
  void append_piece(std::string& json, std::size_t index, const Choice& piece) override;
  void append_last(std::string& json, std::size_t index, const Choice& last) const override;
};

}  // namespace selvedge::api
