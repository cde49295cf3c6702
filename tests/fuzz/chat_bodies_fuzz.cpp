// Fuzzes the bodies of all doors to text models: whatever they say is a task or a refusal, and what
// the runner takes for JSON is JSON.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <nlohmann/json.hpp>

#include "api/chat_options.h"
#include "api/messages_call.h"
#include "api/openai_chat.h"
#include "api/picture_input.h"
#include "api/responses_call.h"
#include "api/text_generation.h"
#include "base/check.h"

namespace {

using nlohmann::json;
namespace api = selvedge::api;

void check_pictures(const selvedge::wire::ChatMessage& message) {
  std::uint32_t before = 0;
  for (const auto& picture : message.pictures) {
    SEL_CHECK(message.role == "user" && api::check_picture(picture.bytes).ok());
    SEL_CHECK(before <= picture.at && picture.at <= message.content.size());
    before = picture.at;
  }
}

void check(const selvedge::inference::GenerateTask& task) {
  const auto& chat = task.chat;
  SEL_CHECK(chat.tools.empty() || json::parse(chat.tools, nullptr, false).is_array());
  SEL_CHECK(chat.json_schema.empty() || json::parse(chat.json_schema, nullptr, false).is_object());
  SEL_CHECK(chat.template_values.empty() ||
            json::parse(chat.template_values, nullptr, false).is_object());
  SEL_CHECK(chat.tool_choice.empty() || !chat.tools.empty());
  for (const auto& message : task.messages) {
    check_pictures(message);
    if (message.tool_calls.empty()) continue;
    const json calls = json::parse(message.tool_calls, nullptr, false);
    SEL_CHECK(calls.is_array());
    for (const json& call : calls) {
      const auto arguments = call["function"]["arguments"].get<std::string>();
      SEL_CHECK(json::parse(arguments, nullptr, false).is_object());
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto body = api::parse_ordered_object(text);
  if (!body.ok()) return 0;
  const auto defaults = api::plain_openai_defaults();
  const auto chat = api::parse_chat(*body, defaults);
  if (const auto* call = std::get_if<api::OpenAiCall>(&chat)) {
    for (const auto& task : call->tasks) check(task);
  }
  const auto responses = api::parse_responses(*body, defaults);
  if (const auto* call = std::get_if<api::ResponsesCall>(&responses)) check(call->task);
  const auto messages = api::parse_messages_call(*body);
  if (const auto* call = std::get_if<api::MessagesCall>(&messages)) check(call->task);
  return 0;
}
