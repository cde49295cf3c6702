// OpenAI answer: the frame around the choices, whole and in chunks.
#include "api/openai_answer.h"

#include <utility>

#include "api/json_writer.h"
#include "api/usage.h"

namespace selvedge::api {
namespace {

// {"id":…,"object":…,"created":…,"model":…,"system_fingerprint":…,"choices":[
std::string object_begin(const OpenAiHead& head, const OpenAiForm& form, bool chunk) {
  std::string uuid = head.uuid;
  std::erase(uuid, '-');
  std::string json = "{\"id\":\"";
  json += form.id_prefix();
  json += uuid;
  json += "\",\"object\":\"";
  json += form.object(chunk);
  json += "\",\"created\":";
  append_integer(json, head.created_s);
  json += ",\"model\":";
  append_string(json, head.model);
  json += ",\"system_fingerprint\":";
  if (head.fingerprint.empty()) {
    json += "null";
  } else {
    append_string(json, head.fingerprint);
  }
  json += ",\"choices\":[";
  return json;
}

void add_usage(inference::Usage& sum, const inference::Usage& one, const OpenAiHead& head,
               std::size_t index) {
  sum.completion_tokens += one.completion_tokens;
  if (index % head.choices_per_prompt != 0) return;
  sum.prompt_tokens += one.prompt_tokens;
  sum.cached_tokens += one.cached_tokens;
}

// What the ids of a choice's tool calls follow from.
std::string call_seed(const OpenAiHead& head, std::size_t index) {
  return head.uuid + "/" + std::to_string(index);
}

Choice part_of(inference::Piece piece, const OpenAiHead& head, ToolCalls& calls) {
  Choice part;
  part.text = std::move(piece.text);
  part.reasoning = std::move(piece.reasoning);
  for (const auto& delta : piece.tool_calls) part.called.push_back(calls.add(delta));
  if (head.logprobs) part.logprobs = std::move(piece.logprobs);
  return part;
}

asio::awaitable<Result<Choice>> whole_choice(inference::TokenStream& stream, bool logprobs,
                                             std::string seed, inference::Usage& usage) {
  Choice choice;
  ToolCalls calls(std::move(seed));
  if (logprobs) choice.logprobs.emplace();
  while (true) {
    auto next = co_await stream.next();
    SEL_CO_TRY(piece, std::move(next));
    choice.text += piece.text;
    choice.reasoning += piece.reasoning;
    for (const auto& delta : piece.tool_calls) calls.add(delta);
    if (logprobs) {
      for (auto& token : piece.logprobs) choice.logprobs->push_back(std::move(token));
    }
    if (!piece.last) continue;
    choice.reason = piece.reason;
    calls.finish();
    choice.calls_tools = !calls.empty();
    choice.tool_calls = calls.all();
    usage = piece.usage;
    co_return std::move(choice);
  }
}

}  // namespace

std::string_view finish_reason_name(wire::FinishReason reason) {
  return reason == wire::FinishReason::length ? "length" : "stop";
}

std::string_view finish_reason_name(const Choice& choice) {
  const bool called = choice.calls_tools && choice.reason == wire::FinishReason::stop;
  return called ? "tool_calls" : finish_reason_name(choice.reason);
}

asio::awaitable<Result<OpenAiWhole>> whole_answer(
    std::vector<std::unique_ptr<inference::TokenStream>> streams, const OpenAiHead& head,
    const OpenAiForm& form) {
  std::string json = object_begin(head, form, false);
  inference::Usage usage;
  // One after the other: the runner works on all of them meanwhile.
  for (std::size_t index = 0; index < streams.size(); ++index) {
    inference::Usage own;
    auto read = co_await whole_choice(*streams[index], head.logprobs, call_seed(head, index), own);
    SEL_CO_TRY(choice, std::move(read));
    if (index != 0) json += ',';
    form.append_choice(json, index, choice);
    add_usage(usage, own, head, index);
    streams[index].reset();
  }
  OpenAiWhole whole;
  whole.neurons = neurons_of(*head.entry, usage);
  json += "],\"usage\":";
  append_usage(json, usage, whole.neurons);
  json += '}';
  whole.json = std::move(json);
  co_return std::move(whole);
}

OpenAiEvents::OpenAiEvents(std::vector<std::unique_ptr<inference::TokenStream>> streams,
                           OpenAiHead head, std::unique_ptr<OpenAiForm> form,
                           std::function<std::string(const Error&)> error_json)
    : head_(std::move(head)),
      form_(std::move(form)),
      error_json_(std::move(error_json)),
      begun_(streams.size(), false) {
  chunk_begin_ = object_begin(head_, *form_, true);
  for (std::size_t index = 0; index < streams.size(); ++index) {
    calls_.emplace_back(call_seed(head_, index));
  }
  pieces_ = ChoicePieces(std::move(streams));
}

void OpenAiEvents::add_chunk(std::string& events, std::string_view choice) {
  if (choice.empty()) return;
  events += "data: ";
  events += chunk_begin_;
  events += choice;
  events += head_.include_usage && head_.null_usage ? "],\"usage\":null}\n\n" : "]}\n\n";
}

void OpenAiEvents::add_piece(std::string& events, std::size_t index, inference::Piece piece) {
  std::string choice;
  if (!begun_[index]) {
    begun_[index] = true;
    form_->append_first(choice, index);
    add_chunk(events, choice);
    choice.clear();
  }
  const bool last = piece.last;
  const auto reason = piece.reason;
  if (last) add_usage(usage_, piece.usage, head_, index);
  if (!piece.text.empty() || !piece.logprobs.empty() || !piece.reasoning.empty() ||
      !piece.tool_calls.empty()) {
    form_->append_piece(choice, index, part_of(std::move(piece), head_, calls_[index]));
    add_chunk(events, choice);
    choice.clear();
  }
  if (!last) return;
  Choice end;
  end.reason = reason;
  end.calls_tools = !calls_[index].empty();
  form_->append_last(choice, index, end);
  add_chunk(events, choice);
}

void OpenAiEvents::add_end(std::string& events) {
  ended_ = true;
  if (head_.include_usage) {
    events += "data: ";
    events += chunk_begin_;
    events += "],\"usage\":";
    append_usage(events, usage_, neurons_of(*head_.entry, usage_));
    events += "}\n\n";
  }
  events += kSseDone;
}

asio::awaitable<Result<std::optional<std::string>>> OpenAiEvents::next() {
  if (ended_) co_return std::optional<std::string>();
  std::string events;
  while (events.empty()) {
    auto next = co_await pieces_.next();
    SEL_CO_TRY(one, std::move(next));
    add_piece(events, one.index, std::move(one.piece));
    if (pieces_.ended()) add_end(events);
  }
  co_return std::optional<std::string>(std::move(events));
}

std::string OpenAiEvents::error_event(const Error& error) { return sse_event(error_json_(error)); }

}  // namespace selvedge::api
