// OpenAI chat: messages in, choices out.
#include "api/openai_chat.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "api/chat_options.h"
#include "api/input_check.h"
#include "api/json_reader.h"
#include "api/json_writer.h"
#include "api/openai_logprobs.h"
#include "api/picture_input.h"

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

void read_picture(OpenAiFields& fields, const json& part, const std::string& path,
                  wire::ChatMessage& message) {
  const auto image = part.find("image_url");
  if (image == part.end()) return fields.fail_missing(path + ".image_url");
  if (!image->is_object()) return fields.fail_type(path + ".image_url", "an object", *image);
  const std::string here = path + ".image_url.url";
  const auto url = image->find("url");
  if (url == image->end()) return fields.fail_missing(here);
  if (!url->is_string()) return fields.fail_type(here, "a string", *url);
  auto picture = picture_of_url(url->get_ref<const std::string&>());
  if (!picture.ok()) return fail_picture(fields, here, picture.error());
  add_picture(message, std::move(*picture));
}

void read_part(OpenAiFields& fields, const json& part, const std::string& path,
               wire::ChatMessage& message) {
  if (!part.is_object()) return fields.fail_type(path, "an object", part);
  const auto type = part.find("type");
  if (type == part.end() || !type->is_string()) return fields.fail_missing(path + ".type");
  if (*type == "image_url") return read_picture(fields, part, path, message);
  const auto& name = type->get_ref<const std::string&>();
  // A refusal is what a model said instead of an answer: text all the same.
  if (name != "text" && name != "refusal") {
    const bool known = name == "input_audio" || name == "file";
    return fields.fail(
        path + ".type",
        known ? "Invalid content type. " + name + " is only supported by certain models."
              : "Invalid value: '" + name.substr(0, 32) +
                    "'. Supported values are: 'text', 'image_url', 'input_audio', "
                    "'refusal', and 'file'.",
        known ? "" : "invalid_value");
  }
  const auto text = part.find(name);
  if (text == part.end()) return fields.fail_missing(path + "." + name);
  if (!text->is_string()) return fields.fail_type(path + "." + name, "a string", *text);
  message.content += text->get_ref<const std::string&>();
}

void read_content(OpenAiFields& fields, const json& message, bool may_lack, const std::string& path,
                  wire::ChatMessage& out) {
  const auto content = message.find("content");
  if (content == message.end() || content->is_null()) {
    if (may_lack) return;
    if (content == message.end()) return fields.fail_missing(path);
    return fields.fail(path, "Invalid value for 'content': expected a string, got null.", "");
  }
  if (content->is_string()) {
    out.content = content->get<std::string>();
    return;
  }
  if (!content->is_array()) {
    return fields.fail_type(path, "one of a string or array of objects", *content);
  }
  for (std::size_t at = 0; at < content->size() && fields.ok(); ++at) {
    read_part(fields, (*content)[at], item_path(path, at), out);
  }
}

std::string text_member(const json& message, const char* name) {
  const json* value = present(message, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

// What a turn says beside its content: calls, what it answers, what was thought. False after a
// fault.
bool read_call_members(OpenAiFields& fields, const json& message, const std::string& path,
                       wire::ChatMessage& out) {
  if (out.role == "tool") {
    out.tool_call_id = text_member(message, "tool_call_id");
    out.name = text_member(message, "name");
  }
  if (out.role != "assistant") return true;
  out.reasoning = text_member(message, "reasoning_content");
  if (out.reasoning.empty()) out.reasoning = text_member(message, "reasoning");
  json calls;
  std::string param = path + ".tool_calls";
  if (const json* given = present(message, "tool_calls")) {
    calls = *given;
  } else if (const json* old = present(message, "function_call")) {
    calls = json::array({*old});
    param = path + ".function_call";
  } else {
    return true;
  }
  const auto bad = read_called_tools(calls, param, out.tool_calls);
  if (bad) fields.fail(bad->param, bad->message, bad->code);
  return !bad;
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
  wire::ChatMessage out;
  out.role = std::string(known);
  if (!read_call_members(fields, message, path, out)) return {};
  const bool may_lack =
      (defaults.content_may_lack && known == "assistant") || !out.tool_calls.empty();
  read_content(fields, message, may_lack, here, out);
  if (const std::size_t length = code_points(out.content); length > defaults.content_chars_max) {
    fields.fail(here,
                "Invalid '" + here + "': string too long. Expected a string with maximum length " +
                    std::to_string(defaults.content_chars_max) + ", but got a string with length " +
                    std::to_string(length) + " instead.",
                "string_above_max_length");
  }
  return out;
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
  check_pictures(fields, "messages", messages);
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

void fail(OpenAiFields& fields, const MaybeFault& bad) {
  if (bad) fields.fail(bad->param, bad->message, bad->code);
}

void read_options(OpenAiFields& fields, wire::ChatOptions& options) {
  if (const json* tools = fields.find("tools")) fail(fields, read_tools(*tools, options));
  if (const json* choice = fields.find("tool_choice")) {
    fail(fields, read_tool_choice(*choice, options));
  }
  options.parallel_tool_calls = fields.boolean("parallel_tool_calls").value_or(true);
  if (const json* format = fields.find("response_format")) {
    fail(fields, read_response_format(*format, options));
  }
  if (const json* schema = fields.find("guided_json")) {
    fail(fields, read_schema(*schema, "guided_json", options));
  }
  const json* effort = fields.find("reasoning_effort");
  const json* values = fields.find("chat_template_kwargs");
  fail(fields, read_template_values(effort, values, options));
  options.parse_reasoning = true;
}

// What would change the answer. Ignoring it would look like an answer to it.
void refuse_unserved(OpenAiFields& fields) {
  for (const char* name : {"audio", "web_search_options"}) {
    const json* value = fields.find(name);
    if (value != nullptr && !(value->is_array() && value->empty())) fields.fail_unsupported(name);
  }
  // The first form of tools, long deprecated.
  if (const json* functions = fields.find("functions")) {
    if (!(functions->is_array() && functions->empty())) fields.fail_unsupported("functions");
  }
  if (const json* modalities = fields.find("modalities")) {
    if (*modalities != json::array({"text"})) fields.fail_unsupported("modalities");
  }
}

// "tool_calls":[{"index",…}] of a chunk.
void append_called(std::string& json_text, const std::vector<ToolCalls::Added>& called) {
  json_text += "\"tool_calls\":[";
  for (std::size_t at = 0; at < called.size(); ++at) {
    json_text += at == 0 ? "{\"index\":" : ",{\"index\":";
    append_integer(json_text, called[at].index);
    if (called[at].first()) {
      json_text += ",\"id\":";
      append_string(json_text, called[at].id);
      json_text += ",\"type\":\"function\"";
    }
    json_text += ",\"function\":{";
    if (called[at].first()) {
      json_text += "\"name\":";
      append_string(json_text, called[at].name);
      json_text += ',';
    }
    json_text += "\"arguments\":";
    append_string(json_text, called[at].arguments);
    json_text += "}}";
  }
  json_text += ']';
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
  read_options(fields, task.chat);
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
  if (choice.text.empty() && choice.calls_tools) {
    json_text += "null";
  } else {
    append_string(json_text, choice.text);
  }
  if (!choice.reasoning.empty()) {
    json_text += ",\"reasoning_content\":";
    append_string(json_text, choice.reasoning);
  }
  if (choice.calls_tools) {
    json_text += ",\"tool_calls\":";
    append_openai_calls(json_text, choice.tool_calls);
  }
  json_text += ",\"refusal\":null},\"logprobs\":";
  append_chat_logprobs(json_text, choice.logprobs);
  json_text += ",\"finish_reason\":\"";
  json_text += finish_reason_name(choice);
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
  json_text += ",\"delta\":{";
  const char* before = "";
  if (!piece.reasoning.empty()) {
    json_text += "\"reasoning_content\":";
    append_string(json_text, piece.reasoning);
    before = ",";
  }
  if (!piece.called.empty()) {
    json_text += before;
    append_called(json_text, piece.called);
    before = ",";
  }
  if (!piece.text.empty() || *before == '\0') {
    json_text += before;
    json_text += "\"content\":";
    append_string(json_text, piece.text);
  }
  json_text += "},\"logprobs\":";
  append_chat_logprobs(json_text, piece.logprobs);
  json_text += ",\"finish_reason\":null}";
}

void ChatForm::append_last(std::string& json_text, std::size_t index, const Choice& last) const {
  json_text += "{\"index\":";
  append_integer(json_text, index);
  json_text += ",\"delta\":{},\"logprobs\":null,\"finish_reason\":\"";
  json_text += finish_reason_name(last);
  json_text += "\"}";
}

}  // namespace selvedge::api
