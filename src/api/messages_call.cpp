// Messages call: blocks in, messages out.
#include "api/messages_call.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "api/chat_options.h"
#include "api/json_reader.h"
#include "api/picture_input.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

constexpr std::size_t kMessagesMax = 10'000;
constexpr std::int64_t kTokensMax = 1'048'576;
constexpr std::size_t kStopsMax = 64;
constexpr std::size_t kStopBytesMax = 1'024;

void fail(OpenAiFields& fields, const MaybeFault& bad) {
  if (bad) fields.fail(bad->param, bad->message, bad->code);
}

// A text, or a list of text blocks.
std::string plain_text(OpenAiFields& fields, const json& content, const std::string& path) {
  if (content.is_string()) return content.get<std::string>();
  if (!content.is_array()) {
    fields.fail_type(path, "a string or an array of blocks", content);
    return {};
  }
  std::string text;
  for (std::size_t at = 0; at < content.size() && fields.ok(); ++at) {
    const json& block = content[at];
    const std::string here = path + "." + std::to_string(at);
    if (!block.is_object() || text_in(block, "type") != "text") {
      fields.fail(here, here + ": only blocks of the type 'text' are supported with this model",
                  "invalid_value");
      break;
    }
    if (!text.empty()) text += "\n";
    text += text_in(block, "text");
  }
  return text;
}

// One message of Anthropic's becomes several: results of tools are turns of their own.
class MessageReader {
 public:
  explicit MessageReader(OpenAiFields& fields, std::vector<wire::ChatMessage>& messages)
      : fields_(fields), messages_(messages) {}

  void read(const json& message, const std::string& path) {
    if (!message.is_object()) return fields_.fail_type(path, "an object", message);
    const std::string role = text_in(message, "role");
    if (role != "user" && role != "assistant" && role != "system") {
      return fields_.fail(path + ".role", path + ".role: Input should be 'user' or 'assistant'",
                          "invalid_value");
    }
    const json* content = present(message, "content");
    if (content == nullptr) return fields_.fail_missing(path + ".content");
    turn_ = {role, ""};
    calls_ = json::array();
    has_text_ = false;
    if (!content->is_array()) {
      turn_.content = plain_text(fields_, *content, path + ".content");
      has_text_ = true;
    } else {
      for (std::size_t at = 0; at < content->size() && fields_.ok(); ++at) {
        read_block((*content)[at], path + ".content." + std::to_string(at));
      }
    }
    if (!calls_.empty()) fail(fields_, read_called_tools(calls_, path, turn_.tool_calls));
    const bool results_only = role == "user" && !has_text_ && !content->empty();
    if (!results_only) messages_.push_back(std::move(turn_));
  }

 private:
  void read_block(const json& block, const std::string& path) {
    if (!block.is_object()) return fields_.fail_type(path, "an object", block);
    const std::string type = text_in(block, "type");
    const bool assistant = turn_.role == "assistant";
    if (type == "text") {
      if (has_text_ && !turn_.content.empty()) turn_.content += "\n";
      turn_.content += text_in(block, "text");
      has_text_ = true;
    } else if (type == "image" && turn_.role == "user") {
      read_picture(block, path);
    } else if (type == "tool_use" && assistant) {
      read_call(block, path);
    } else if (type == "tool_result" && !assistant) {
      read_result(block, path);
    } else if (type == "thinking" && assistant) {
      turn_.reasoning += text_in(block, "thinking");
    } else if (type != "redacted_thinking" || !assistant) {
      fields_.fail(path + ".type",
                   path + ": blocks of the type '" + type.substr(0, 32) +
                       "' are not supported with this model in a turn of the role '" + turn_.role +
                       "'",
                   "invalid_value");
    }
  }

  // {"source":{"type":"base64","media_type","data"}}, or a data: URL.
  void read_picture(const json& block, const std::string& path) {
    const std::string here = path + ".source";
    const json* source = present(block, "source");
    if (source == nullptr) return fields_.fail_missing(here);
    if (!source->is_object()) return fields_.fail_type(here, "an object", *source);
    const std::string type = text_in(*source, "type");
    if (type != "base64" && type != "url") {
      return fields_.fail(here + ".type", here + ".type: Input should be 'base64' or 'url'",
                          "invalid_value");
    }
    auto picture = type == "url" ? picture_of_url(text_in(*source, "url"))
                                 : picture_of_base64(text_in(*source, "data"));
    if (!picture.ok()) {
      return fields_.fail(here, here + ": " + picture.error().message, "invalid_value");
    }
    add_picture(turn_, std::move(*picture));
    has_text_ = true;
  }

  void read_call(const json& block, const std::string& path) {
    if (text_in(block, "name").empty()) return fields_.fail_missing(path + ".name");
    const json* input = present(block, "input");
    calls_.push_back(
        {{"id", text_in(block, "id")},
         {"type", "function"},
         {"function",
          {{"name", text_in(block, "name")}, {"arguments", input ? *input : json::object()}}}});
  }

  void read_result(const json& block, const std::string& path) {
    wire::ChatMessage result;
    result.role = "tool";
    result.tool_call_id = text_in(block, "tool_use_id");
    if (result.tool_call_id.empty()) return fields_.fail_missing(path + ".tool_use_id");
    if (const json* content = present(block, "content")) {
      result.content = plain_text(fields_, *content, path + ".content");
    }
    messages_.push_back(std::move(result));
  }

  OpenAiFields& fields_;
  std::vector<wire::ChatMessage>& messages_;
  wire::ChatMessage turn_;
  json calls_;
  bool has_text_ = false;
};

void read_messages(OpenAiFields& fields, std::vector<wire::ChatMessage>& messages) {
  if (const json* system = fields.find("system")) {
    std::string text = plain_text(fields, *system, "system");
    if (!text.empty()) messages.push_back({"system", std::move(text)});
  }
  const json* list = fields.find("messages");
  if (list == nullptr) return fields.fail_missing("messages");
  if (!list->is_array()) return fields.fail_type("messages", "an array", *list);
  if (list->empty() || list->size() > kMessagesMax) {
    return fields.fail("messages",
                       "messages: expected 1 to " + std::to_string(kMessagesMax) + " messages",
                       "invalid_value");
  }
  MessageReader reader(fields, messages);
  for (std::size_t at = 0; at < list->size() && fields.ok(); ++at) {
    reader.read((*list)[at], "messages." + std::to_string(at));
  }
  check_pictures(fields, "messages", messages);
  if (!fields.ok() || messages.back().role != "assistant") return;
  fields.fail("messages",
              "This model does not support assistant message prefill. The conversation must end "
              "with a user message.",
              "invalid_value");
}

void read_stops(OpenAiFields& fields, std::vector<std::string>& stops) {
  const json* list = fields.find("stop_sequences");
  if (list == nullptr) return;
  if (!list->is_array() || list->size() > kStopsMax) {
    return fields.fail(
        "stop_sequences",
        "stop_sequences: expected a list of at most " + std::to_string(kStopsMax) + " texts",
        "invalid_value");
  }
  for (const json& stop : *list) {
    const bool good = stop.is_string() && !stop.get_ref<const std::string&>().empty() &&
                      stop.get_ref<const std::string&>().size() <= kStopBytesMax;
    if (!good) {
      return fields.fail("stop_sequences", "stop_sequences: each must be a text of 1 to 1024 bytes",
                         "invalid_value");
    }
    stops.push_back(stop.get<std::string>());
  }
}

void read_options(OpenAiFields& fields, wire::ChatOptions& options) {
  if (const json* tools = fields.find("tools")) fail(fields, read_tools(*tools, options));
  if (const json* choice = fields.find("tool_choice")) {
    fail(fields, read_tool_choice(*choice, options));
  }
  const json* format = fields.find("output_format");
  const json* config = fields.find("output_config");
  if (config != nullptr && config->is_object() && format == nullptr) {
    format = present(*config, "format");
  }
  if (format != nullptr) fail(fields, read_response_format(*format, options));
  json values = json::object();
  if (const json* thinking = fields.find("thinking")) {
    const std::string type = thinking->is_object() ? text_in(*thinking, "type") : "";
    if (type != "enabled" && type != "disabled" && type != "adaptive") {
      return fields.fail("thinking.type",
                         "thinking.type: Input should be 'enabled', 'disabled' or 'adaptive'",
                         "invalid_value");
    }
    values["enable_thinking"] = type != "disabled";
  }
  fail(fields, read_template_values(nullptr, &values, options));
  options.parse_reasoning = true;
}

}  // namespace

OpenAiParsed<MessagesCall> parse_messages_call(const json& body) {
  OpenAiFields fields(body);
  MessagesCall call;
  if (fields.find("model") == nullptr) fields.fail_missing("model");
  call.model = fields.text("model").value_or("");
  if (fields.find("max_tokens") == nullptr) fields.fail_missing("max_tokens");
  const auto tokens_max = fields.integer("max_tokens", 1, kTokensMax);
  call.task.tokens_max = static_cast<std::int32_t>(tokens_max.value_or(1));
  // Its clients ask for as much as their models have.
  call.task.cut_to_window = true;
  read_messages(fields, call.task.messages);
  read_stops(fields, call.task.stop);
  call.stream = fields.boolean("stream").value_or(false);
  call.lora = fields.text("lora").value_or("");  // Cloudflare's own, too.
  wire::Sampling& sampling = call.task.sampling;
  sampling.temperature = fields.number("temperature", 0, 2).value_or(sampling.temperature);
  sampling.top_p = fields.number("top_p", 0, 1).value_or(sampling.top_p);
  sampling.top_k = static_cast<std::int32_t>(fields.integer("top_k", 0, 1'000'000).value_or(0));
  read_options(fields, call.task.chat);
  if (fields.fault()) return *fields.fault();
  return call;
}

}  // namespace selvedge::api
