// OpenAI completion: text_completion objects, from JSON to tasks and from choices to JSON.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "api/openai_answer.h"
#include "api/openai_call.h"

namespace selvedge::api {

// `body` is an object with `model` (where `needs_model`) and `prompt`: a text or a list of up to 16
// of them, which the model continues without a chat template. Lists of token numbers, `suffix` and
// a `best_of` other than `n` are refused. Source: docs/compatibility.md#openai.
OpenAiParsed<OpenAiCall> parse_completion(const nlohmann::json& body,
                                          const OpenAiDefaults& defaults, bool needs_model = true);

// "text_completion", whole and as chunks.
class CompletionForm final : public OpenAiForm {
 public:
  // `echoes`: as in OpenAiCall.
  explicit CompletionForm(std::vector<std::string> echoes);
  std::string_view id_prefix() const override { return "cmpl-"; }
  std::string_view object(bool) const override { return "text_completion"; }
  void append_choice(std::string& json, std::size_t index, const Choice& choice) const override;
  void append_first(std::string& json, std::size_t index) const override;
  void append_piece(std::string& json, std::size_t index, const Choice& piece) override;
  void append_last(std::string& json, std::size_t index, const Choice& last) const override;

 private:
  std::string_view echo(std::size_t index) const;

  std::vector<std::string> echoes_;
  std::map<std::size_t, std::size_t> characters_;  // Of each choice's text that are written.
};

}  // namespace selvedge::api
