// Text generation: validation, the reply and its events.
#include "api/text_generation.h"

#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/input_check.h"
#include "api/json_writer.h"
#include "api/usage.h"
#include "base/limits.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

// More than any model's window: the runner bounds it by what is left of the window.
constexpr std::int64_t kTokensMax = 1'048'576;
constexpr std::size_t kMessagesMax = 10'000;

std::string_view canonical_role(std::string_view role) {
  if (role == "developer") return "system";
  if (role == "function") return "tool";
  return role;
}

bool known_role(std::string_view role) {
  return role == "system" || role == "user" || role == "assistant" || role == "tool";
}

// The text of an array of parts, in order.
Result<std::string> text_of_parts(const json& parts, const std::string& path) {
  std::string text;
  for (std::size_t at = 0; at < parts.size(); ++at) {
    const json& part = parts[at];
    const std::string here = path + "/" + std::to_string(at);
    if (!part.is_object()) return type_mismatch(here, "object", part);
    const auto type = part.find("type");
    if (type == part.end()) return required_missing(here, "type");
    if (!type->is_string()) return type_mismatch(here + "/type", "string", *type);
    if (type->get_ref<const std::string&>() != "text") {
      return Error{Code::invalid_input, "'" + here + "' must be a text part for this model"};
    }
    const auto value = part.find("text");
    if (value == part.end()) return required_missing(here, "text");
    if (!value->is_string()) return type_mismatch(here + "/text", "string", *value);
    text += value->get_ref<const std::string&>();
  }
  return text;
}

Result<std::string> content_of(const json& message, std::string_view role,
                               const std::string& path) {
  const auto content = message.find("content");
  const bool may_lack = role == "assistant";
  if (content == message.end()) {
    if (may_lack) return std::string();
    return required_missing(path, "content");
  }
  const std::string here = path + "/content";
  if (content->is_string()) {
    const auto& text = content->get_ref<const std::string&>();
    SEL_CHECK_OK(check_length(here, text, 0, limits::prompt_chars_max));
    return text;
  }
  if (content->is_array()) {
    SEL_TRY(text, text_of_parts(*content, here));
    SEL_CHECK_OK(check_length(here, text, 0, limits::prompt_chars_max));
    return text;
  }
  if (content->is_null() && may_lack) return std::string();
  return type_mismatch(here, "string", *content);
}

Result<wire::ChatMessage> parse_message(const json& message, const std::string& path) {
  if (!message.is_object()) return type_mismatch(path, "object", message);
  const auto role = message.find("role");
  if (role == message.end()) return required_missing(path, "role, content");
  if (!role->is_string()) return type_mismatch(path + "/role", "string", *role);
  const std::string_view name = canonical_role(role->get_ref<const std::string&>());
  if (!known_role(name)) {
    return not_in_enum(path + "/role", name, "system,user,assistant,tool");
  }
  SEL_TRY(content, content_of(message, name, path));
  return wire::ChatMessage{std::string(name), std::move(content)};
}

Status parse_messages(const json& messages, inference::GenerateTask& task) {
  if (!messages.is_array()) return type_mismatch("/messages", "array", messages);
  if (messages.empty() || messages.size() > kMessagesMax) {
    return Error{Code::invalid_input, messages.empty()
                                          ? "Length of '/messages' must be >= 1 not met"
                                          : "Length of '/messages' must be <= 10000 not met"};
  }
  for (std::size_t at = 0; at < messages.size(); ++at) {
    SEL_TRY(message, parse_message(messages[at], "/messages/" + std::to_string(at)));
    task.messages.push_back(std::move(message));
  }
  return ok_status();
}

Status parse_prompt(const json& prompt, inference::GenerateTask& task) {
  if (!prompt.is_string()) return type_mismatch("/prompt", "string", prompt);
  task.prompt = prompt.get<std::string>();
  return check_length("/prompt", task.prompt, 1, limits::prompt_chars_max);
}

Status parse_sampling(const json& input, wire::Sampling& sampling) {
  SEL_TRY(temperature, optional_number(input, "temperature", 0, 5));
  SEL_TRY(top_p, optional_number(input, "top_p", 0, 2));
  SEL_TRY(top_k, optional_integer(input, "top_k", 1, 50));
  SEL_TRY(seed, optional_integer(input, "seed", 1, 9'999'999'999));
  SEL_TRY(repetition, optional_number(input, "repetition_penalty", 0, 2));
  SEL_TRY(frequency, optional_number(input, "frequency_penalty", -2, 2));
  SEL_TRY(presence, optional_number(input, "presence_penalty", -2, 2));
  const wire::Sampling defaults;
  sampling.temperature = temperature.value_or(defaults.temperature);
  sampling.top_p = top_p.value_or(defaults.top_p);
  sampling.top_k = static_cast<std::int32_t>(top_k.value_or(defaults.top_k));
  sampling.has_seed = seed.has_value();
  sampling.seed = static_cast<std::uint64_t>(seed.value_or(0));
  sampling.repetition_penalty = repetition.value_or(defaults.repetition_penalty);
  sampling.frequency_penalty = frequency.value_or(defaults.frequency_penalty);
  sampling.presence_penalty = presence.value_or(defaults.presence_penalty);
  return ok_status();
}

// Fields that change what the answer means. Ignoring them would look like an answer to them.
Status refuse_unserved(const json& input) {
  for (const char* name : {"tools", "functions", "lora", "response_format", "guided_json"}) {
    const auto value = input.find(name);
    if (value == input.end() || value->is_null() || value->empty()) continue;
    if (value->is_object() && value->contains("type") && (*value)["type"] == "text") continue;
    return Error{Code::invalid_input, std::string("'/") + name + "' is not served by this server"};
  }
  return ok_status();
}

Status parse_options(const json& input, GenerateCall& call) {
  SEL_TRY(raw, optional_bool(input, "raw"));
  SEL_TRY(stream, optional_bool(input, "stream"));
  SEL_TRY(tokens_max, optional_integer(input, "max_tokens", 1, kTokensMax));
  call.task.raw = raw.value_or(false);
  call.stream = stream.value_or(false);
  call.task.tokens_max = static_cast<std::int32_t>(tokens_max.value_or(limits::max_tokens_default));
  SEL_CHECK_OK(parse_sampling(input, call.task.sampling));
  return refuse_unserved(input);
}

// The schema is a oneOf of two branches, and its validator tells why each was not met.
Error branches_not_met(std::string_view prompt_reason, std::string_view messages_reason) {
  std::string message = "oneOf at '/' not met, 0 matches: ";
  message += prompt_reason;
  message += ", ";
  message += messages_reason;
  return Error{Code::invalid_input, std::move(message)};
}

}  // namespace

Result<GenerateCall> parse_generate(const json& input) {
  constexpr std::string_view kNoPrompt = "required properties at '/' are 'prompt'";
  constexpr std::string_view kNoMessages = "required properties at '/' are 'messages'";
  GenerateCall call;
  const auto messages = input.find("messages");
  const auto prompt = input.find("prompt");
  const bool has_messages = messages != input.end() && !messages->is_null();
  const bool has_prompt = prompt != input.end() && !prompt->is_null();
  if (!has_messages && !has_prompt) return branches_not_met(kNoPrompt, kNoMessages);
  // With both, the conversation counts: it says more.
  Status parsed =
      has_messages ? parse_messages(*messages, call.task) : parse_prompt(*prompt, call.task);
  if (parsed.ok()) parsed = parse_options(input, call);
  if (parsed.ok()) return call;
  const std::string& reason = parsed.error().message;
  return has_messages ? branches_not_met(kNoPrompt, reason) : branches_not_met(reason, kNoMessages);
}

std::string generate_result(std::string_view text, const inference::Usage& usage, double neurons) {
  std::string result = "{\"response\":";
  append_string(result, text);
  result += ",\"usage\":";
  append_usage(result, usage, neurons);
  result += '}';
  return result;
}

asio::awaitable<Result<Completion>> collect(inference::TokenStream& stream) {
  Completion completion;
  while (true) {
    auto next = co_await stream.next();
    SEL_CO_TRY(piece, std::move(next));
    completion.text += piece.text;
    if (!piece.last) continue;
    completion.usage = piece.usage;
    co_return std::move(completion);
  }
}

CompletionEvents::CompletionEvents(std::unique_ptr<inference::TokenStream> stream,
                                   const catalog::ModelEntry& entry,
                                   std::function<std::string(const Error&)> error_json)
    : stream_(std::move(stream)),
      entry_(entry),
      error_json_(std::move(error_json)),
      padding_(std::random_device()()) {}

std::string CompletionEvents::text_event(std::string_view text) {
  constexpr std::string_view kPadding = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string json_text = "{\"response\":";
  append_string(json_text, text);
  json_text += ",\"p\":\"";
  json_text += kPadding.substr(0, 1 + padding_() % kPadding.size());
  json_text += "\"}";
  return sse_event(json_text);
}

asio::awaitable<Result<std::optional<std::string>>> CompletionEvents::next() {
  if (ended_) co_return std::optional<std::string>();
  while (true) {
    auto next = co_await stream_->next();
    SEL_CO_TRY(piece, std::move(next));
    std::string events;
    if (!piece.text.empty()) events = text_event(piece.text);
    if (piece.last) {
      ended_ = true;
      std::string json_text = "{\"response\":\"\",\"usage\":";
      append_usage(json_text, piece.usage, neurons_of(entry_, piece.usage));
      json_text += '}';
      events += sse_event(json_text);
      events += kSseDone;
    }
    if (!events.empty()) co_return std::optional<std::string>(std::move(events));
  }
}

std::string CompletionEvents::error_event(const Error& error) {
  return sse_event(error_json_(error));
}

}  // namespace selvedge::api
