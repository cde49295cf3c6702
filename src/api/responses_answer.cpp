// Responses answer: one item of output a block.
#include "api/responses_answer.h"

#include <algorithm>
#include <utility>

#include "api/errors.h"
#include "api/json_writer.h"
#include "api/openai_routes.h"
#include "api/usage.h"

namespace selvedge::api {
namespace {

std::string json_string(std::string_view text) {
  std::string json;
  append_string(json, text);
  return json;
}

std::string digits_of(const ResponsesHead& head) {
  std::string digits = head.uuid;
  std::erase(digits, '-');
  return digits;
}

std::string item_id(const ResponsesHead& head, std::size_t index, const Block& block) {
  const char* prefix = block.kind == Block::Kind::call        ? "fc_"
                       : block.kind == Block::Kind::reasoning ? "rs_"
                                                              : "msg_";
  return prefix + digits_of(head) + std::to_string(index);
}

std::string part_json(const Block& block, std::string_view text) {
  if (block.kind == Block::Kind::reasoning) {
    return "{\"type\":\"reasoning_text\",\"text\":" + json_string(text) + "}";
  }
  return "{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":" +
         json_string(text) + "}";
}

// `status`: "in_progress" (then without its content), "completed" or "incomplete".
std::string item_json(const ResponsesHead& head, std::size_t index, const Block& block,
                      const std::string& status) {
  const bool begun = status == "in_progress";
  std::string json = "{\"id\":" + json_string(item_id(head, index, block));
  if (block.kind == Block::Kind::call) {
    return json + ",\"type\":\"function_call\",\"status\":\"" + status +
           "\",\"arguments\":" + json_string(begun ? "" : block.text) +
           ",\"call_id\":" + json_string(block.id) + ",\"name\":" + json_string(block.name) + "}";
  }
  const std::string content = begun ? "[]" : "[" + part_json(block, block.text) + "]";
  if (block.kind == Block::Kind::reasoning) {
    return json + ",\"type\":\"reasoning\",\"summary\":[],\"content\":" + content +
           ",\"encrypted_content\":null,\"status\":\"" + status + "\"}";
  }
  return json + ",\"type\":\"message\",\"status\":\"" + status +
         "\",\"role\":\"assistant\",\"content\":" + content + "}";
}

std::string usage_json(const inference::Usage& usage, double neurons) {
  std::string json = "{\"input_tokens\":" + std::to_string(usage.prompt_tokens);
  json += ",\"input_tokens_details\":{\"cached_tokens\":" + std::to_string(usage.cached_tokens);
  json += "},\"output_tokens\":" + std::to_string(usage.completion_tokens);
  json += ",\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":";
  json += std::to_string(usage.prompt_tokens + usage.completion_tokens);
  return json + ",\"neurons\":" + neurons_text(neurons) + "}";
}

// `turn` is null while the response is in progress.
std::string response_json(const ResponsesHead& head, const Turn* turn) {
  const bool cut = turn != nullptr && turn->reason == wire::FinishReason::length;
  const std::string status = turn == nullptr ? "in_progress" : cut ? "incomplete" : "completed";
  std::string json = "{\"id\":\"resp_" + digits_of(head) + "\",\"object\":\"response\"";
  json += ",\"created_at\":" + std::to_string(head.created_s);
  json += ",\"status\":\"" + status + "\",\"error\":null,\"incomplete_details\":";
  json += cut ? "{\"reason\":\"max_output_tokens\"}" : "null";
  json += "," + head.echoed + ",\"output\":[";
  if (turn != nullptr) {
    for (std::size_t at = 0; at < turn->blocks.size(); ++at) {
      if (at != 0) json += ',';
      const bool last = at + 1 == turn->blocks.size();
      json += item_json(head, at, turn->blocks[at], cut && last ? "incomplete" : "completed");
    }
  }
  json += "],\"usage\":";
  json += turn == nullptr ? "null" : usage_json(turn->usage, neurons_of(*head.entry, turn->usage));
  return json + "}";
}

}  // namespace

std::string responses_json(const ResponsesHead& head, const Turn& turn) {
  return response_json(head, &turn);
}

std::string ResponsesForm::event(std::string_view type, std::string_view members) {
  std::string text = "event: " + std::string(type) + "\n";
  std::string json =
      "{\"type\":\"" + std::string(type) + "\",\"sequence_number\":" + std::to_string(number_++);
  if (!members.empty()) json += "," + std::string(members);
  return text + sse_event(json + "}");
}

void ResponsesForm::first() {
  const std::string begun = "\"response\":" + response_json(head_, nullptr);
  events_ += event("response.created", begun);
  events_ += event("response.in_progress", begun);
}

void ResponsesForm::begin(std::size_t index, const Block& block) {
  const std::string at = "\"output_index\":" + std::to_string(index);
  events_ += event("response.output_item.added",
                   at + ",\"item\":" + item_json(head_, index, block, "in_progress"));
  if (block.kind == Block::Kind::call) return;
  events_ += event("response.content_part.added",
                   "\"item_id\":" + json_string(item_id(head_, index, block)) + "," + at +
                       ",\"content_index\":0,\"part\":" + part_json(block, ""));
}

void ResponsesForm::delta(std::size_t index, const Block& block, const std::string& added) {
  std::string members = "\"item_id\":" + json_string(item_id(head_, index, block)) +
                        ",\"output_index\":" + std::to_string(index);
  if (block.kind != Block::Kind::call) members += ",\"content_index\":0";
  members += ",\"delta\":" + json_string(added);
  if (block.kind == Block::Kind::text) members += ",\"logprobs\":[]";
  events_ += event(block.kind == Block::Kind::call        ? "response.function_call_arguments.delta"
                   : block.kind == Block::Kind::reasoning ? "response.reasoning_text.delta"
                                                          : "response.output_text.delta",
                   members);
}

void ResponsesForm::end(std::size_t index, const Block& block) {
  const std::string at = "\"output_index\":" + std::to_string(index);
  const std::string item = "\"item_id\":" + json_string(item_id(head_, index, block)) + "," + at;
  if (block.kind == Block::Kind::call) {
    events_ += event("response.function_call_arguments.done",
                     item + ",\"name\":" + json_string(block.name) +
                         ",\"arguments\":" + json_string(block.text));
  } else {
    const bool text = block.kind == Block::Kind::text;
    events_ += event(text ? "response.output_text.done" : "response.reasoning_text.done",
                     item + ",\"content_index\":0,\"text\":" + json_string(block.text) +
                         (text ? ",\"logprobs\":[]" : ""));
    events_ += event("response.content_part.done",
                     item + ",\"content_index\":0,\"part\":" + part_json(block, block.text));
  }
  events_ += event("response.output_item.done",
                   at + ",\"item\":" + item_json(head_, index, block, "completed"));
}

void ResponsesForm::last(const Turn& turn) {
  const bool cut = turn.reason == wire::FinishReason::length;
  events_ += event(cut ? "response.incomplete" : "response.completed",
                   "\"response\":" + response_json(head_, &turn));
}

std::string ResponsesForm::error_event(const Error& error) {
  const Error told = openai_wording(error);
  return event("error", "\"code\":" + json_string(code_name(told.code)) +
                            ",\"message\":" + json_string(told.message) + ",\"param\":null");
}

}  // namespace selvedge::api
