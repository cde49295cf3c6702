// Text generation: what a schema cannot say, the reply and its events.
#include "api/text_generation.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/chat_options.h"
#include "api/input_check.h"
#include "api/json_reader.h"
#include "api/json_writer.h"
#include "api/picture_input.h"
#include "api/usage.h"
#include "base/json_depth.h"
#include "base/limits.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

std::string_view canonical_role(std::string_view role) {
  if (role == "developer") return "system";
  if (role == "function") return "tool";
  return role;
}

bool known_role(std::string_view role) {
  return role == "system" || role == "user" || role == "assistant" || role == "tool";
}

Error picture_refused(const std::string& path, const Error& why) {
  return Error{Code::invalid_input, "'" + path + "': " + why.message};
}

// The texts and pictures of an array of parts, in order.
Status read_parts(const json& parts, const std::string& path, wire::ChatMessage& message) {
  for (std::size_t at = 0; at < parts.size(); ++at) {
    const json& part = parts[at];
    const std::string here = path + "/" + std::to_string(at);
    const auto& type = part.at("type").get_ref<const std::string&>();
    if (type == "image_url") {
      const json* image = present(part, "image_url");
      if (image == nullptr) return required_missing(here, "type,image_url");
      const json* url = image->is_object() ? present(*image, "url") : nullptr;
      if (url == nullptr || !url->is_string()) return required_missing(here + "/image_url", "url");
      auto picture = picture_of_url(url->get_ref<const std::string&>());
      if (!picture.ok()) return picture_refused(here + "/image_url/url", picture.error());
      add_picture(message, std::move(*picture));
      continue;
    }
    if (type != "text") {
      return Error{Code::invalid_input, "'" + here + "' must be a text or a picture (image_url)"};
    }
    const auto value = part.find("text");
    if (value == part.end() || value->is_null()) return required_missing(here, "type,text");
    message.content += value->get_ref<const std::string&>();
  }
  return ok_status();
}

// Turns that call a tool or bring its result may have nothing to say.
Status read_content(const json& message, std::string_view role, const std::string& path,
                    const Rules& rules, wire::ChatMessage& out) {
  const auto content = message.find("content");
  const bool may_lack = rules.content_may_lack && (role == "assistant" || role == "tool");
  if (content == message.end()) {
    if (may_lack) return ok_status();
    return required_missing(path, "role,content");
  }
  const std::string here = path + "/content";
  if (content->is_string()) {
    out.content = content->get<std::string>();
    return ok_status();
  }
  if (content->is_null() && may_lack) return ok_status();
  if (!content->is_array()) return type_mismatch(here, "string", *content);
  SEL_CHECK_OK(read_parts(*content, here, out));
  return check_length(here, out.content, 0, limits::prompt_chars_max);
}

// A fault of the fields that all doors share, as an error of this one.
Status native(const MaybeFault& bad) {
  if (!bad) return ok_status();
  return Error{Code::invalid_input, bad->message};
}

std::string text_or_none(const json& message, const char* name) {
  const json* value = present(message, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

Result<wire::ChatMessage> parse_message(const json& message, const std::string& path,
                                        const Rules& rules) {
  // Beside a prompt the schema leaves them unchecked.
  if (!message.is_object()) return type_mismatch(path, "object", message);
  const json* role = present(message, "role");
  if (role == nullptr) return required_missing(path, "role,content");
  if (!role->is_string()) return type_mismatch(path + "/role", "string", *role);
  const std::string_view name = canonical_role(role->get_ref<const std::string&>());
  if (!known_role(name)) return not_in_enum(path + "/role", name, "system,user,assistant,tool");
  wire::ChatMessage out;
  out.role = std::string(name);
  if (const json* calls = present(message, "tool_calls"); calls != nullptr && name == "assistant") {
    SEL_CHECK_OK(native(read_called_tools(*calls, path + "/tool_calls", out.tool_calls)));
  }
  if (name == "tool") {
    out.tool_call_id = text_or_none(message, "tool_call_id");
    out.name = text_or_none(message, "name");
  }
  SEL_CHECK_OK(read_content(message, name, path, rules, out));
  return out;
}

Status parse_messages(const json& messages, const Rules& rules, inference::GenerateTask& task) {
  if (!messages.is_array()) return type_mismatch("/messages", "array", messages);
  for (std::size_t at = 0; at < messages.size(); ++at) {
    SEL_TRY(message, parse_message(messages[at], "/messages/" + std::to_string(at), rules));
    task.messages.push_back(std::move(message));
  }
  return ok_status();
}

// Not all schemas have all of these.
Status check_numbers(const json& input) {
  constexpr double kExactMost = 9'007'199'254'740'991;
  constexpr double kCountMost = 2'147'483'647;
  for (const char* name :
       {"temperature", "top_p", "top_k", "seed", "repetition_penalty", "frequency_penalty",
        "presence_penalty", "max_tokens", "max_completion_tokens"}) {
    const json* value = present(input, name);
    if (value == nullptr) continue;
    const std::string path = std::string("/") + name;
    if (!value->is_number()) return type_mismatch(path, "number", *value);
    const auto number = value->get<double>();
    const std::string_view field(name);
    const bool counts = field == "max_tokens" || field == "max_completion_tokens";
    const bool whole_up = counts || field == "top_k" || field == "seed";
    const double least = whole_up ? 0 : -kExactMost;
    const double most = counts || field == "top_k" ? kCountMost : kExactMost;
    if (number < least) return out_of_range(path, ">=", least);
    if (number > most) return out_of_range(path, "<=", most);
  }
  return ok_status();
}

double number_or(const json& input, const char* name, double fallback) {
  const json* value = present(input, name);
  return value == nullptr ? fallback : value->get<double>();
}

// Cloudflare's own LoRA sample sends "raw":"true".
bool flag(const json& input, const char* name) {
  const json* value = present(input, name);
  return value != nullptr && (*value == true || *value == "true");
}

void parse_sampling(const json& input, wire::Sampling& sampling) {
  sampling.temperature = number_or(input, "temperature", sampling.temperature);
  sampling.top_p = number_or(input, "top_p", sampling.top_p);
  sampling.top_k = static_cast<std::int32_t>(number_or(input, "top_k", sampling.top_k));
  sampling.has_seed = present(input, "seed") != nullptr;
  sampling.seed = static_cast<std::uint64_t>(number_or(input, "seed", 0));
  sampling.repetition_penalty = number_or(input, "repetition_penalty", sampling.repetition_penalty);
  sampling.frequency_penalty = number_or(input, "frequency_penalty", sampling.frequency_penalty);
  sampling.presence_penalty = number_or(input, "presence_penalty", sampling.presence_penalty);
}

// Fields that change what the answer means. Ignoring them would look like an answer to them.
Status refuse_unserved(const json& input) {
  const json* functions = present(input, "functions");
  if (functions == nullptr || functions->empty() || *functions == "") return ok_status();
  return Error{Code::invalid_input, "'/functions' is not served by this server"};
}

// `image` stands before what the user says last.
Status read_image(const json& input, GenerateCall& call) {
  const json* image = present(input, "image");
  if (image == nullptr || image->empty() || *image == "") return ok_status();
  auto picture = picture_of_value(*image);
  if (!picture.ok()) return picture_refused("/image", picture.error());
  if (call.task.messages.empty() && !call.task.raw) {
    call.task.messages.push_back({"user", std::move(call.task.prompt)});
    call.task.prompt.clear();
  }
  if (show_picture(call.task.messages, std::move(*picture))) return ok_status();
  return Error{Code::invalid_input,
               "'/image' needs a turn of the user, or a prompt that is not raw, to stand in"};
}

Status parse_chat_options(const json& input, const Rules& rules, GenerateCall& call) {
  wire::ChatOptions& options = call.task.chat;
  if (const json* tools = present(input, "tools")) {
    SEL_CHECK_OK(native(read_tools(*tools, options)));
  }
  if (const json* choice = present(input, "tool_choice")) {
    SEL_CHECK_OK(native(read_tool_choice(*choice, options)));
  }
  if (const json* parallel = present(input, "parallel_tool_calls")) {
    options.parallel_tool_calls = *parallel != false;
  }
  if (const json* format = present(input, "response_format")) {
    SEL_CHECK_OK(native(read_response_format(*format, options)));
  }
  if (const json* schema = present(input, "guided_json"); schema != nullptr && *schema != "") {
    SEL_CHECK_OK(native(read_schema(*schema, "guided_json", options)));
  }
  SEL_CHECK_OK(native(read_template_values(present(input, "reasoning_effort"),
                                           present(input, "chat_template_kwargs"), options)));
  if (options.json_schema.empty()) return ok_status();
  call.kind = ResponseKind::json;
  if (!call.stream || rules.json_streams) return ok_status();
  return Error{Code::invalid_input, "JSON Mode is not supported with 'stream'"};
}

// A JSON text as it is, in one line.
Result<std::string> value_text(std::string_view text) {
  const auto value = nlohmann::ordered_json::parse(text.begin(), text.end(), nullptr, false);
  // Deeper values are no answers, and writing them would take the stack.
  if (value.is_discarded() || !within_depth(text))
    return Error{Code::json_mode_unmet, "JSON Mode couldn't be met"};
  return value.dump();
}

}  // namespace

std::int32_t window_of(const Rules& rules, const catalog::ModelEntry& entry) {
  return rules.windows_published ? entry.context_tokens : 0;
}

Result<GenerateCall> parse_generate(const json& input, const Rules& rules) {
  GenerateCall call;
  const json* messages = present(input, "messages");
  const json* prompt = present(input, "prompt");
  const bool both = messages != nullptr && prompt != nullptr && prompt->is_string();
  if (messages != nullptr && !(both && messages->empty())) {
    // With both, the conversation counts: it says more.
    SEL_CHECK_OK(parse_messages(*messages, rules, call.task));
  } else if (prompt != nullptr && prompt->is_string()) {
    call.task.prompt = prompt->get<std::string>();
  } else {
    return Error{Code::invalid_input, "only prompt and messages are served by this server"};
  }
  SEL_CHECK_OK(refuse_unserved(input));
  SEL_CHECK_OK(check_numbers(input));
  call.task.raw = flag(input, "raw");
  SEL_CHECK_OK(read_image(input, call));
  SEL_CHECK_OK(check_pictures(call.task.messages));
  call.stream = flag(input, "stream");
  const json* lora = present(input, "lora");
  if (lora != nullptr && lora->is_string()) call.lora = lora->get<std::string>();
  SEL_CHECK_OK(parse_chat_options(input, rules, call));
  const double tokens_max = number_or(input, "max_tokens", limits::max_tokens_default);
  call.task.tokens_max =
      static_cast<std::int32_t>(number_or(input, "max_completion_tokens", tokens_max));
  parse_sampling(input, call.task.sampling);
  return call;
}

std::string verdict_json(std::string_view text) {
  const bool safe = text.find("unsafe") == text.npos;
  std::string result = safe ? "{\"safe\":true" : "{\"safe\":false";
  if (safe) return result + "}";
  result += ",\"categories\":[";
  const char* before = "";
  for (std::size_t at = text.find('S'); at < text.size(); at = text.find('S', at + 1)) {
    const std::size_t end = std::min(text.find_first_not_of("0123456789", at + 1), text.size());
    if (end == at + 1) continue;
    result += before;
    append_string(result, text.substr(at, end - at));
    before = ",";
  }
  return result + "]}";
}

Result<std::string> generate_result(const Completion& completion, ResponseKind kind,
                                    double neurons) {
  std::string result = "{\"response\":";
  const bool only_calls = !completion.tool_calls.empty() && completion.text.empty();
  if (only_calls) {
    result += "null";
  } else if (kind == ResponseKind::json) {
    SEL_TRY(value, value_text(completion.text));
    result += value;
  } else if (kind == ResponseKind::verdict) {
    result += verdict_json(completion.text);
  } else {
    append_string(result, completion.text);
  }
  if (!completion.tool_calls.empty()) {
    result += ",\"tool_calls\":";
    append_legacy_calls(result, completion.tool_calls);
  }
  result += ",\"usage\":";
  append_usage(result, completion.usage, neurons);
  result += '}';
  return result;
}

asio::awaitable<Result<Completion>> collect(inference::TokenStream& stream) {
  Completion completion;
  ToolCalls calls("");
  while (true) {
    auto next = co_await stream.next();
    SEL_CO_TRY(piece, std::move(next));
    completion.text += piece.text;
    for (const auto& delta : piece.tool_calls) calls.add(delta);
    if (!piece.last) continue;
    if (piece.reason == wire::FinishReason::length) calls.drop_cut();
    completion.tool_calls = calls.all();
    completion.usage = piece.usage;
    co_return std::move(completion);
  }
}

CompletionEvents::CompletionEvents(std::unique_ptr<inference::TokenStream> stream,
                                   const catalog::ModelEntry& entry,
                                   std::function<std::string(const Error&)> error_json,
                                   unsigned padding_seed)
    : stream_(std::move(stream)),
      entry_(entry),
      error_json_(std::move(error_json)),
      padding_(padding_seed),
      calls_("") {}

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
    for (const auto& delta : piece.tool_calls) calls_.add(delta);
    if (piece.last) {
      ended_ = true;
      if (piece.reason == wire::FinishReason::length) calls_.drop_cut();
      if (!calls_.empty()) {
        std::string calls_text = "{\"response\":\"\",\"tool_calls\":";
        append_legacy_calls(calls_text, calls_.all());
        calls_text += '}';
        events += sse_event(calls_text);
      }
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
