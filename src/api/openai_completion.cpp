// OpenAI completion: prompts in, choices out.
#include "api/openai_completion.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "api/json_writer.h"
#include "api/openai_logprobs.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

constexpr std::size_t kPromptsMax = 16;
constexpr std::size_t kChoicesInAllMax = 32;
constexpr std::int64_t kLogprobsMax = 20;  // OpenAI: 5.

void read_prompts(OpenAiFields& fields, std::vector<std::string>& prompts) {
  const json* prompt = fields.find("prompt");
  if (prompt == nullptr) return fields.fail_missing("prompt");
  const auto add = [&](const json& one, const std::string& path) {
    if (one.is_number() || one.is_array()) {
      return fields.fail(path,
                         "Invalid '" + path +
                             "': prompts of token numbers are not supported with "
                             "this model; send text.",
                         "unsupported_value");
    }
    if (!one.is_string()) return fields.fail_type(path, "a string", one);
    if (one.get_ref<const std::string&>().empty()) {
      return fields.fail(path,
                         "Invalid '" + path +
                             "': empty string. Expected a string with minimum "
                             "length 1, but got an empty string instead.",
                         "empty_string");
    }
    prompts.push_back(one.get<std::string>());
  };
  if (prompt->is_string()) return add(*prompt, "prompt");
  if (!prompt->is_array()) {
    return fields.fail_type("prompt", "one of a string or array of strings", *prompt);
  }
  if (prompt->empty()) {
    return fields.fail(
        "prompt",
        "Invalid 'prompt': empty array. Expected an array with minimum length 1, but "
        "got an empty array instead.",
        "empty_array");
  }
  if (prompt->size() > kPromptsMax && (*prompt)[0].is_string()) {
    return fields.fail("prompt",
                       "Invalid 'prompt': array too long. Expected an array with maximum length " +
                           std::to_string(kPromptsMax) + ", but got an array with length " +
                           std::to_string(prompt->size()) + " instead.",
                       "array_above_max_length");
  }
  for (std::size_t at = 0; at < prompt->size() && fields.ok(); ++at) {
    add((*prompt)[at], item_path("prompt", at));
  }
}

void refuse_unserved(OpenAiFields& fields, const OpenAiCall& call) {
  if (const json* suffix = fields.find("suffix")) {
    if (!suffix->is_string() || !suffix->get_ref<const std::string&>().empty()) {
      fields.fail_unsupported("suffix");
    }
  }
  const auto best_of = fields.integer("best_of", 0, kLogprobsMax);
  if (best_of && static_cast<std::size_t>(*best_of) != call.choices_per_prompt) {
    fields.fail("best_of",
                "Unsupported value: 'best_of' other than 'n' is not supported with this model.",
                "unsupported_value");
  }
}

void append_text_choice(std::string& json_text, std::size_t index, std::string_view text) {
  json_text += "{\"text\":";
  append_string(json_text, text);
  json_text += ",\"index\":";
  append_integer(json_text, index);
  json_text += ",\"logprobs\":";
}

}  // namespace

OpenAiParsed<OpenAiCall> parse_completion(const json& body, const OpenAiDefaults& defaults,
                                          bool needs_model) {
  OpenAiFields fields(body);
  OpenAiCall call;
  inference::GenerateTask task;
  std::vector<std::string> prompts;
  if (needs_model && fields.find("model") == nullptr) fields.fail_missing("model");
  read_prompts(fields, prompts);
  read_openai_call(fields, defaults, call, task);
  const auto logprobs = fields.integer("logprobs", 0, kLogprobsMax);
  task.sampling.logprobs = logprobs.has_value();
  task.sampling.top_logprobs = static_cast<std::int32_t>(logprobs.value_or(0));
  refuse_unserved(fields, call);
  const bool echo = fields.boolean("echo").value_or(false);
  if (echo && logprobs) {
    fields.fail("echo",
                "Unsupported value: 'echo' with 'logprobs' is not supported with this model.",
                "unsupported_value");
  }
  if (prompts.size() * call.choices_per_prompt > kChoicesInAllMax) {
    fields.fail("n", "Invalid 'n': prompts times choices must not be above 32.",
                "integer_above_max_value");
  }
  if (fields.fault()) return *fields.fault();
  task.raw = true;
  for (std::string& prompt : prompts) {
    if (echo) call.echoes.insert(call.echoes.end(), call.choices_per_prompt, prompt);
    task.prompt = std::move(prompt);
    add_choices(call, task);
  }
  return call;
}

CompletionForm::CompletionForm(std::vector<std::string> echoes) : echoes_(std::move(echoes)) {}

std::string_view CompletionForm::echo(std::size_t index) const {
  return index < echoes_.size() ? std::string_view(echoes_[index]) : std::string_view();
}

void CompletionForm::append_choice(std::string& json_text, std::size_t index,
                                   const Choice& choice) const {
  append_text_choice(json_text, index, std::string(echo(index)) + choice.text);
  std::size_t characters = 0;
  append_completion_logprobs(json_text, choice.logprobs, characters);
  json_text += ",\"finish_reason\":\"";
  json_text += finish_reason_name(choice.reason);
  json_text += "\"}";
}

void CompletionForm::append_first(std::string& json_text, std::size_t index) const {
  if (echo(index).empty()) return;
  append_text_choice(json_text, index, echo(index));
  json_text += "null,\"finish_reason\":null}";
}

void CompletionForm::append_piece(std::string& json_text, std::size_t index, const Choice& piece) {
  append_text_choice(json_text, index, piece.text);
  append_completion_logprobs(json_text, piece.logprobs, characters_[index]);
  json_text += ",\"finish_reason\":null}";
}

void CompletionForm::append_last(std::string& json_text, std::size_t index,
                                 const Choice& last) const {
  append_text_choice(json_text, index, "");
  json_text += "null,\"finish_reason\":\"";
  json_text += finish_reason_name(last.reason);
  json_text += "\"}";
}

}  // namespace selvedge::api
