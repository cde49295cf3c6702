// OpenAI chat: messages in, choices out.
#include "api/openai_chat.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "api/input_check.h"
#include "api/json_writer.h"
#include "api/openai_logprobs.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

constexpr std::size_t kMessagesMax = 2'048;

// The role as the model's template knows it; empty when there is no such role.
std::string_view template_role(std::string_view role) {
  if (role == "system" || role == "user" || role == "assistant" || role == "tool") return role;
  if (role == "developer") return "system";
  if (role == "function") return "tool";
  return {};
}

std::string text_of_part(OpenAiFields& fields, const json& part, const std::string& path) {
  if (!part.is_object()) {
    fields.fail_type(path, "an object", part);
    return {};
  }
  const auto type = part.find("type");
  if (type == part.end() || !type->is_string()) {
    fields.fail_missing(path + ".type");
    return {};
  }
  const auto& name = type->get_ref<const std::string&>();
  // A refusal is what a model said instead of an answer: text all the same.
  if (name != "text" && name != "refusal") {
    const bool known = name == "image_url" || name == "input_audio" || name == "file";
    fields.fail(path + ".type",
                known ? "Invalid content type. " + name + " is only supported by certain models."
                      : "Invalid value: '" + name.substr(0, 32) +
                            "'. Supported values are: 'text', 'image_url', 'input_audio', "
                            "'refusal', and 'file'.",
                known ? "" : "invalid_value");
    return {};
  }
  const auto text = part.find(name);
  if (text == part.end()) {
    fields.fail_missing(path + "." + name);
    return {};
  }
  if (text->is_string()) return text->get<std::string>();
  fields.fail_type(path + "." + name, "a string", *text);
  return {};
}

std::string content_of(OpenAiFields& fields, const json& message, bool may_lack,
                       const std::string& path) {
  const auto content = message.find("content");
  if (content == message.end() || content->is_null()) {
    if (may_lack) return {};
    if (content == message.end()) {
      fields.fail_missing(path);
    } else {
      fields.fail(path, "Invalid value for 'content': expected a string, got null.", "");
    }
    return {};
  }
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array()) {
    fields.fail_type(path, "one of a string or array of objects", *content);
    return {};
  }
  std::string text;
  for (std::size_t at = 0; at < content->size() && fields.ok(); ++at) {
    text += text_of_part(fields, (*content)[at], item_path(path, at));
  }
  return text;
}

wire::ChatMessage read_message(OpenAiFields& fields, const json& message, const std::string& path,
                               const OpenAiDefaults& defaults) {
  if (!message.is_object()) {
    fields.fail_type(path, "an object", message);
    return {};
  }
  const auto role = message.find("role");
  if (role == message.end()) {
    fields.fail_missing(path + ".role");
    return {};
  }
  if (!role->is_string()) {
    fields.fail_type(path + ".role", "a string", *role);
    return {};
  }
  const auto& sent = role->get_ref<const std::string&>();
  const std::string_view known = template_role(sent);
  if (known.empty()) {
    fields.fail(path + ".role",
                "Invalid value: '" + sent.substr(0, 32) +
                    "'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', "
                    "and 'developer'.",
                "invalid_value");
    return {};
  }
  const std::string here = path + ".content";
  const bool may_lack = defaults.content_may_lack && known == "assistant";
  std::string content = content_of(fields, message, may_lack, here);
  if (const std::size_t length = code_points(content); length > defaults.content_chars_max) {
    fields.fail(here,
                "Invalid '" + here + "': string too long. Expected a string with maximum length " +
                    std::to_string(defaults.content_chars_max) + ", but got a string with length " +
                    std::to_string(length) + " instead.",
                "string_above_max_length");
  }
  return {std::string(known), std::move(content)};
}

void read_messages(OpenAiFields& fields, const OpenAiDefaults& defaults,
                   std::vector<wire::ChatMessage>& messages) {
  const json* list = fields.find("messages");
  if (list == nullptr) return fields.fail_missing("messages");
  if (!list->is_array()) return fields.fail_type("messages", "an array of objects", *list);
  if (list->empty()) {
    return fields.fail("messages",
                       "Invalid 'messages': empty array. Expected an array with minimum length 1, "
                       "but got an empty array instead.",
                       "empty_array");
  }
  if (list->size() > kMessagesMax) {
    return fields.fail(
        "messages",
        "Invalid 'messages': array too long. Expected an array with maximum length " +
            std::to_string(kMessagesMax) + ", but got an array with length " +
            std::to_string(list->size()) + " instead.",
        "array_above_max_length");
  }
  for (std::size_t at = 0; at < list->size() && fields.ok(); ++at) {
    messages.push_back(read_message(fields, (*list)[at], item_path("messages", at), defaults));
  }
}

void read_logprobs(OpenAiFields& fields, wire::Sampling& sampling) {
  sampling.logprobs = fields.boolean("logprobs").value_or(false);
  const auto top = fields.integer("top_logprobs", 0, wire::kTopLogprobsMax);
  if (top && !sampling.logprobs) {
    fields.fail("top_logprobs",
                "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", "");
  }
  sampling.top_logprobs = static_cast<std::int32_t>(top.value_or(0));
}

bool names(const json& value, std::string_view name) {
  return value.is_string() && value.get_ref<const std::string&>() == name;
}

// What would change the answer. Ignoring it would look like an answer to it.
void refuse_unserved(OpenAiFields& fields) {
  for (const char* name : {"tools", "functions", "audio", "web_search_options", "guided_json"}) {
    const json* value = fields.find(name);
    if (value != nullptr && !(value->is_array() && value->empty())) fields.fail_unsupported(name);
  }
  for (const char* name : {"tool_choice", "function_call"}) {
    const json* value = fields.find(name);
    if (value == nullptr || names(*value, "none") || names(*value, "auto")) continue;
    const std::string of = std::string(name) == "tool_choice" ? "tools" : "functions";
    fields.fail(name,
                "'" + std::string(name) + "' is only allowed when '" + of + "' are specified.", "");
  }
  if (const json* format = fields.find("response_format")) {
    const auto type = format->is_object() ? format->find("type") : format->end();
    if (!format->is_object()) {
      fields.fail_type("response_format", "an object", *format);
    } else if (type == format->end()) {
      fields.fail_missing("response_format.type");
    } else if (!names(*type, "text")) {
      fields.fail("response_format",
                  "Invalid parameter: 'response_format' of type " + type->dump().substr(0, 40) +
                      " is not supported with this model.",
                  "unsupported_value");
    }
  }
  if (const json* modalities = fields.find("modalities")) {
    if (*modalities != json::array({"text"})) fields.fail_unsupported("modalities");
  }
}

}  // namespace

OpenAiParsed<OpenAiCall> parse_chat(const json& body, const OpenAiDefaults& defaults,
                                    bool needs_model) {
  OpenAiFields fields(body);
  OpenAiCall call;
  inference::GenerateTask task;
  if (needs_model && fields.find("model") == nullptr) fields.fail_missing("model");
  read_messages(fields, defaults, task.messages);
  read_openai_call(fields, defaults, call, task);
  read_logprobs(fields, task.sampling);
  refuse_unserved(fields);
  if (fields.fault()) return *fields.fault();
  add_choices(call, task);
  return call;
}

std::string_view ChatForm::object(bool chunk) const {
  return chunk ? "chat.completion.chunk" : "chat.completion";
}

void ChatForm::append_choice(std::string& json_text, std::size_t index,
                             const Choice& choice) const {
  json_text += "{\"index\":";
  append_integer(json_text, index);
  json_text += ",\"message\":{\"role\":\"assistant\",\"content\":";
  append_string(json_text, choice.text);
  json_text += ",\"refusal\":null},\"logprobs\":";
  append_chat_logprobs(json_text, choice.logprobs);
  json_text += ",\"finish_reason\":\"";
  json_text += finish_reason_name(choice.reason);
  json_text += "\"}";
}

void ChatForm::append_first(std::string& json_text, std::size_t index) const {
  json_text += "{\"index\":";
  append_integer(json_text, index);
  json_text +=
      ",\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},\"logprobs\":null,"
      "\"finish_reason\":null}";
}

void ChatForm::append_piece(std::string& json_text, std::size_t index, const Choice& piece) {
  json_text += "{\"index\":";
  append_integer(json_text, index);
  json_text += ",\"delta\":{\"content\":";
  append_string(json_text, piece.text);
  json_text += "},\"logprobs\":";
  append_chat_logprobs(json_text, piece.logprobs);
  json_text += ",\"finish_reason\":null}";
}

void ChatForm::append_last(std::string& json_text, std::size_t index,
                           wire::FinishReason reason) const {
  json_text += "{\"index\":";
  append_integer(json_text, index);
  json_text += ",\"delta\":{},\"logprobs\":null,\"finish_reason\":\"";
  json_text += finish_reason_name(reason);
  json_text += "\"}";
}

}  // namespace selvedge::api
