// Messages answer: one content block a block.
#include "api/messages_answer.h"

#include <algorithm>
#include <utility>

#include "api/errors.h"
#include "api/json_writer.h"
#include "api/openai_routes.h"

namespace selvedge::api {
namespace {

std::string json_string(std::string_view text) {
  std::string json;
  append_string(json, text);
  return json;
}

std::string event(std::string_view type, std::string_view members) {
  std::string json = "{\"type\":\"" + std::string(type) + "\"";
  if (!members.empty()) json += "," + std::string(members);
  return "event: " + std::string(type) + "\n" + sse_event(json + "}");
}

std::string block_json(const Block& block, bool begun) {
  const std::string text = json_string(begun ? "" : block.text);
  if (block.kind == Block::Kind::text) return "{\"type\":\"text\",\"text\":" + text + "}";
  if (block.kind == Block::Kind::reasoning) {
    return "{\"type\":\"thinking\",\"thinking\":" + text + ",\"signature\":\"\"}";
  }
  return "{\"type\":\"tool_use\",\"id\":" + json_string(block.id) +
         ",\"name\":" + json_string(block.name) +
         ",\"input\":" + (begun ? "{}" : object_text(block.text)) + "}";
}

bool is_own_stop(const MessagesHead& head, const Turn& turn) {
  return !turn.stop.empty() && std::ranges::find(head.stops, turn.stop) != head.stops.end();
}

std::string stop_members(const MessagesHead& head, const Turn& turn) {
  const bool stopped = is_own_stop(head, turn);
  const char* reason = turn.reason == wire::FinishReason::length ? "max_tokens"
                       : stopped                                 ? "stop_sequence"
                       : turn.calls_tools                        ? "tool_use"
                                                                 : "end_turn";
  return std::string("\"stop_reason\":\"") + reason +
         "\",\"stop_sequence\":" + (stopped ? json_string(turn.stop) : "null");
}

std::string usage_json(const inference::Usage& usage) {
  return "{\"input_tokens\":" + std::to_string(usage.prompt_tokens - usage.cached_tokens) +
         ",\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":" +
         std::to_string(usage.cached_tokens) +
         ",\"output_tokens\":" + std::to_string(usage.completion_tokens) + "}";
}

std::string message_begin(const MessagesHead& head) {
  std::string digits = head.uuid;
  std::erase(digits, '-');
  return "{\"id\":\"msg_" + digits +
         "\",\"type\":\"message\",\"role\":\"assistant\",\"model\":" + json_string(head.model);
}

const char* error_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 503:
      return "overloaded_error";
    default:
      return status >= 500 ? "api_error" : "invalid_request_error";
  }
}

// As on OpenAI's paths: a model that is not there is 404, a full window the caller's mistake.
int status_of(const Error& error) {
  const ErrorRow& row = error_row(error.code);
  return row.openai.status != 0 ? row.openai.status : row.status;
}

}  // namespace

std::string message_json(const MessagesHead& head, const Turn& turn) {
  std::string json = message_begin(head) + ",\"content\":[";
  for (std::size_t at = 0; at < turn.blocks.size(); ++at) {
    if (at != 0) json += ',';
    json += block_json(turn.blocks[at], false);
  }
  return json + "]," + stop_members(head, turn) + ",\"usage\":" + usage_json(turn.usage) + "}";
}

std::string messages_error_json(const Error& error) {
  return std::string("{\"type\":\"error\",\"error\":{\"type\":\"") + error_type(status_of(error)) +
         "\",\"message\":" + json_string(error.message) + "}}";
}

http::Response messages_error(const Error& error) {
  // For Retry-After and the like.
  http::Response response = openai_error(error);
  response.body = messages_error_json(error);
  return response;
}

bool is_messages_path(std::string_view path) {
  return is_openai_path(path) &&
         (path.ends_with("/v1/messages") || path.find("/v1/messages/") != path.npos);
}

void MessagesForm::first() {
  events_ += event("message_start",
                   "\"message\":" + message_begin(head_) +
                       ",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":" +
                       usage_json({}) + "}");
  events_ += event("ping", "");
}

void MessagesForm::begin(std::size_t index, const Block& block) {
  events_ += event("content_block_start", "\"index\":" + std::to_string(index) +
                                              ",\"content_block\":" + block_json(block, true));
}

void MessagesForm::delta(std::size_t index, const Block& block, const std::string& added) {
  const char* members = block.kind == Block::Kind::call ? "{\"type\":\"input_json_delta\","
                                                          "\"partial_json\":"
                        : block.kind == Block::Kind::reasoning
                            ? "{\"type\":\"thinking_delta\",\"thinking\":"
                            : "{\"type\":\"text_delta\",\"text\":";
  events_ += event("content_block_delta", "\"index\":" + std::to_string(index) +
                                              ",\"delta\":" + members + json_string(added) + "}");
}

void MessagesForm::end(std::size_t index, const Block&) {
  events_ += event("content_block_stop", "\"index\":" + std::to_string(index));
}

void MessagesForm::last(const Turn& turn) {
  events_ += event("message_delta", "\"delta\":{" + stop_members(head_, turn) +
                                        "},\"usage\":" + usage_json(turn.usage));
  events_ += event("message_stop", "");
}

std::string MessagesForm::error_event(const Error& error) {
  return "event: error\n" + sse_event(messages_error_json(openai_wording(error)));
}

}  // namespace selvedge::api
