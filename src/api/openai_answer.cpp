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

Choice part_of(inference::Piece piece, const OpenAiHead& head) {
  Choice part;
  part.text = std::move(piece.text);
  if (head.logprobs) part.logprobs = std::move(piece.logprobs);
  return part;
}

asio::awaitable<Result<Choice>> whole_choice(inference::TokenStream& stream, bool logprobs,
                                             inference::Usage& usage) {
  Choice choice;
  if (logprobs) choice.logprobs.emplace();
  while (true) {
    auto next = co_await stream.next();
    SEL_CO_TRY(piece, std::move(next));
    choice.text += piece.text;
    if (logprobs) {
      for (auto& token : piece.logprobs) choice.logprobs->push_back(std::move(token));
    }
    if (!piece.last) continue;
    choice.reason = piece.reason;
    usage = piece.usage;
    co_return std::move(choice);
  }
}

}  // namespace

std::string_view finish_reason_name(wire::FinishReason reason) {
  return reason == wire::FinishReason::length ? "length" : "stop";
}

asio::awaitable<Result<OpenAiWhole>> whole_answer(
    std::vector<std::unique_ptr<inference::TokenStream>> streams, const OpenAiHead& head,
    const OpenAiForm& form) {
  std::string json = object_begin(head, form, false);
  inference::Usage usage;
  // One after the other: the runner works on all of them meanwhile.
  for (std::size_t index = 0; index < streams.size(); ++index) {
    inference::Usage own;
    auto read = co_await whole_choice(*streams[index], head.logprobs, own);
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
  if (!piece.text.empty() || !piece.logprobs.empty()) {
    form_->append_piece(choice, index, part_of(std::move(piece), head_));
    add_chunk(events, choice);
    choice.clear();
  }
  if (!last) return;
  form_->append_last(choice, index, reason);
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
