// Responses call: items in, messages out.
#include "api/responses_call.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "api/chat_options.h"
#include "api/json_reader.h"
#include "api/picture_input.h"

namespace selvedge::api {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::size_t kItemsMax = 4'096;

void fail(OpenAiFields& fields, const MaybeFault& bad, std::string_view instead = {}) {
  if (bad)
    fields.fail(instead.empty() ? bad->param : std::string(instead), bad->message, bad->code);
}

// {"type":"input_image","image_url":"data:…"}.
void read_picture(OpenAiFields& fields, const json& part, const std::string& path,
                  wire::ChatMessage& message) {
  const json* url = present(part, "image_url");
  if (url == nullptr && present(part, "file_id") != nullptr) {
    return fields.fail(path + ".file_id",
                       "Unsupported parameter: 'file_id': this server keeps no files. Send the "
                       "picture in 'image_url'.",
                       "unsupported_parameter");
  }
  if (url == nullptr) return fields.fail_missing(path + ".image_url");
  if (!url->is_string()) return fields.fail_type(path + ".image_url", "a string", *url);
  auto picture = picture_of_url(url->get_ref<const std::string&>());
  if (!picture.ok()) return fail_picture(fields, path + ".image_url", picture.error());
  add_picture(message, std::move(*picture));
}

void read_part(OpenAiFields& fields, const json& part, const std::string& path,
               wire::ChatMessage& message) {
  if (!part.is_object()) return fields.fail_type(path, "an object", part);
  const std::string type = text_in(part, "type");
  if (type == "refusal") {
    message.content += text_in(part, "refusal");
  } else if (type == "input_text" || type == "output_text" || type == "text" ||
             type == "reasoning_text" || type == "summary_text") {
    message.content += text_in(part, "text");
  } else if (type == "input_image") {
    read_picture(fields, part, path, message);
  } else {
    fields.fail(path + ".type",
                "Invalid value: '" + type.substr(0, 32) +
                    "'. Supported values for this model are: 'input_text', 'input_image' and "
                    "'output_text'.",
                "invalid_value");
  }
}

// `content`: a text, or parts of input_text, input_image, output_text, text or refusal.
void read_content(OpenAiFields& fields, const json& content, const std::string& path,
                  wire::ChatMessage& message) {
  if (content.is_string()) {
    message.content += content.get_ref<const std::string&>();
    return;
  }
  if (!content.is_array()) {
    return fields.fail_type(path, "one of a string or array of objects", content);
  }
  for (std::size_t at = 0; at < content.size() && fields.ok(); ++at) {
    read_part(fields, content[at], item_path(path, at), message);
  }
}

// Items become turns: calls, and what was thought before them, belong to one turn of the assistant.
class Turns {
 public:
  explicit Turns(OpenAiFields& fields) : fields_(fields) {}

  void add(const json& item, const std::string& path) {
    if (!item.is_object()) return fields_.fail_type(path, "an object", item);
    const std::string type = text_in(item, "type");
    if (type == "function_call") return add_call(item, path);
    if (type == "function_call_output") return add_output(item, path);
    if (type == "reasoning") return add_reasoning(item, path);
    if (type.empty() || type == "message") return add_message(item, path);
    fields_.fail(path + ".type",
                 "Invalid value: '" + type.substr(0, 32) +
                     "'. Supported values are: 'message', 'function_call', "
                     "'function_call_output', and 'reasoning'.",
                 "invalid_value");
  }

  std::vector<wire::ChatMessage> take() {
    end_calls();
    return std::move(messages_);
  }

 private:
  wire::ChatMessage& assistant() {
    if (messages_.empty() || messages_.back().role != "assistant" || ended_) {
      end_calls();
      messages_.push_back({"assistant", ""});
      ended_ = false;
    }
    return messages_.back();
  }

  void end_calls() {
    if (calls_.empty()) return;
    std::string text;
    fail(fields_, read_called_tools(calls_, "input", text));
    messages_.back().tool_calls = std::move(text);
    calls_ = json::array();
    ended_ = true;
  }

  void add_message(const json& item, const std::string& path) {
    std::string role = text_in(item, "role");
    if (role == "developer") role = "system";
    if (role != "system" && role != "user" && role != "assistant") {
      return fields_.fail(path + ".role",
                          "Invalid value: '" + role.substr(0, 32) +
                              "'. Supported values are: 'assistant', 'system', 'developer', and "
                              "'user'.",
                          "invalid_value");
    }
    const json* content = present(item, "content");
    if (content == nullptr) return fields_.fail_missing(path + ".content");
    if (role == "assistant") {
      if (!calls_.empty()) end_calls();
      read_content(fields_, *content, path + ".content", assistant());
    } else {
      end_calls();
      messages_.push_back({role, ""});
      read_content(fields_, *content, path + ".content", messages_.back());
    }
  }

  void add_call(const json& item, const std::string& path) {
    if (text_in(item, "call_id").empty()) return fields_.fail_missing(path + ".call_id");
    if (text_in(item, "name").empty()) return fields_.fail_missing(path + ".name");
    assistant();
    calls_.push_back(
        {{"id", text_in(item, "call_id")},
         {"type", "function"},
         {"function",
          {{"name", text_in(item, "name")}, {"arguments", text_in(item, "arguments")}}}});
  }

  void add_output(const json& item, const std::string& path) {
    if (text_in(item, "call_id").empty()) return fields_.fail_missing(path + ".call_id");
    const json* output = present(item, "output");
    if (output == nullptr) return fields_.fail_missing(path + ".output");
    end_calls();
    wire::ChatMessage message{"tool", ""};
    read_content(fields_, *output, path + ".output", message);
    message.tool_call_id = text_in(item, "call_id");
    messages_.push_back(std::move(message));
  }

  void add_reasoning(const json& item, const std::string& path) {
    const json* content = present(item, "content");
    if (content == nullptr || content->empty()) return;
    end_calls();
    ended_ = true;
    wire::ChatMessage thought{"assistant", ""};
    read_content(fields_, *content, path + ".content", thought);
    assistant().reasoning = std::move(thought.content);
    assistant().pictures = std::move(thought.pictures);  // Refused with all others.
  }

  OpenAiFields& fields_;
  std::vector<wire::ChatMessage> messages_;
  json calls_ = json::array();
  bool ended_ = false;  // The last turn takes nothing more.
};

void read_input(OpenAiFields& fields, std::vector<wire::ChatMessage>& messages) {
  if (const auto instructions = fields.text("instructions")) {
    messages.push_back({"system", *instructions});
  }
  const json* input = fields.find("input");
  if (input == nullptr) return fields.fail_missing("input");
  if (input->is_string()) {
    messages.push_back({"user", input->get<std::string>()});
    return;
  }
  if (!input->is_array()) {
    return fields.fail_type("input", "one of a string or array of objects", *input);
  }
  if (input->empty() || input->size() > kItemsMax) {
    return fields.fail(
        "input",
        "Invalid 'input': expected an array of 1 to " + std::to_string(kItemsMax) + " items.",
        input->empty() ? "empty_array" : "array_above_max_length");
  }
  Turns turns(fields);
  for (std::size_t at = 0; at < input->size() && fields.ok(); ++at) {
    turns.add((*input)[at], item_path("input", at));
  }
  auto read = turns.take();
  for (wire::ChatMessage& message : read) messages.push_back(std::move(message));
  check_pictures(fields, "input", messages);
}

void refuse_unserved(OpenAiFields& fields) {
  for (const char* name : {"previous_response_id", "conversation", "prompt"}) {
    if (fields.find(name) == nullptr) continue;
    fields.fail(name,
                "Unsupported parameter: '" + std::string(name) +
                    "': responses are not kept by this server. Send the whole conversation in "
                    "'input'.",
                "unsupported_parameter");
  }
  if (fields.boolean("background").value_or(false)) fields.fail_unsupported("background");
}

void read_options(OpenAiFields& fields, wire::ChatOptions& options) {
  if (const json* tools = fields.find("tools")) fail(fields, read_tools(*tools, options));
  if (const json* choice = fields.find("tool_choice")) {
    fail(fields, read_tool_choice(*choice, options));
  }
  options.parallel_tool_calls = fields.boolean("parallel_tool_calls").value_or(true);
  const json* text = fields.find("text");
  if (text != nullptr && !text->is_object()) fields.fail_type("text", "an object", *text);
  if (text != nullptr && fields.ok()) {
    if (const json* format = present(*text, "format")) {
      fail(fields, read_response_format(*format, options), "text.format");
    }
  }
  const json* reasoning = fields.find("reasoning");
  if (reasoning != nullptr && !reasoning->is_object()) {
    fields.fail_type("reasoning", "an object", *reasoning);
  }
  const json* effort =
      reasoning != nullptr && reasoning->is_object() ? present(*reasoning, "effort") : nullptr;
  fail(fields, read_template_values(effort, fields.find("chat_template_kwargs"), options));
  options.parse_reasoning = true;
}

json or_null(const json& body, const char* name) {
  const json* value = present(body, name);
  return value == nullptr ? json() : *value;
}

// With the schemas in their own order.
ordered_json as_sent(const json& value) { return ordered_json::parse(ordered_text(value)); }

// The members of an answer that follow from the request alone, without the braces.
std::string echo_of(const json& body, const ResponsesCall& call) {
  ordered_json echoed = {{"instructions", or_null(body, "instructions")},
                         {"max_output_tokens", or_null(body, "max_output_tokens")},
                         {"max_tool_calls", nullptr},
                         {"metadata", body.value("metadata", json::object())},
                         {"model", call.model},
                         {"parallel_tool_calls", call.task.chat.parallel_tool_calls},
                         {"previous_response_id", nullptr},
                         {"background", false},
                         {"reasoning", {{"effort", nullptr}, {"summary", nullptr}}},
                         {"service_tier", "default"},
                         {"store", false},
                         {"temperature", call.task.sampling.temperature},
                         {"text", {{"format", {{"type", "text"}}}}},
                         {"tool_choice", body.value("tool_choice", json("auto"))},
                         {"tools", json::array()},
                         {"top_p", call.task.sampling.top_p},
                         {"truncation", "disabled"},
                         {"user", or_null(body, "user")}};
  if (const json* tools = present(body, "tools")) echoed["tools"] = as_sent(*tools);
  if (const json* text = present(body, "text"); text != nullptr && text->contains("format")) {
    echoed["text"] = as_sent(*text);
  }
  if (const json* reasoning = present(body, "reasoning")) {
    echoed["reasoning"]["effort"] = or_null(*reasoning, "effort");
  }
  const std::string all = echoed.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  return all.substr(1, all.size() - 2);
}

}  // namespace

OpenAiParsed<ResponsesCall> parse_responses(const json& body, const OpenAiDefaults& defaults) {
  OpenAiFields fields(body);
  ResponsesCall call;
  if (fields.find("model") == nullptr) fields.fail_missing("model");
  call.model = fields.text("model").value_or("");
  refuse_unserved(fields);
  read_input(fields, call.task.messages);
  call.stream = fields.boolean("stream").value_or(false);
  call.lora = fields.text("lora").value_or("");  // Cloudflare's own, too.
  read_openai_sampling(fields, call.task.sampling);
  constexpr std::int64_t kTokensMax = 1'048'576;
  const auto tokens_max = fields.integer("max_output_tokens", 1, kTokensMax);
  call.task.cut_to_window = true;
  call.task.tokens_max = static_cast<std::int32_t>(tokens_max.value_or(defaults.tokens_max));
  read_options(fields, call.task.chat);
  if (fields.fault()) return *fields.fault();
  call.echoed = echo_of(body, call);
  return call;
}

}  // namespace selvedge::api
