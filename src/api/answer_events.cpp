// Answer events: one event a piece, the named ones only for clients that asked for them.
#include "api/answer_events.h"

#include <utility>

#include "api/errors.h"
#include "api/json_writer.h"

namespace selvedge::api {
namespace {

// Clients that do not know the name of an event skip it, and EventSource calls another listener.
std::string named_event(std::string_view name, std::string_view json) {
  std::string event = "event: ";
  event += name;
  event += '\n';
  event += sse_event(json);
  return event;
}

std::string text_event(std::string_view text) {
  std::string json = "{\"response\":";
  append_string(json, text);
  json += '}';
  return sse_event(json);
}

void append_bool(std::string& json, bool value) { json += value ? "true" : "false"; }

}  // namespace

std::string_view answer_mode_name(rag::AnswerMode mode) {
  return mode == rag::AnswerMode::model ? "model" : "quote";
}

std::string sources_json(const rag::AnswerSource& source) {
  std::string json = "{\"mode\":";
  append_string(json, answer_mode_name(source.mode));
  json += ",\"models\":{\"text\":";
  if (source.text_model.empty()) {
    json += "null";
  } else {
    append_string(json, source.text_model);
  }
  json += ",\"embedding\":";
  append_string(json, source.embedding_model);
  json += ",\"stand_in\":";
  append_bool(json, source.text_stand_in || source.embedding_stand_in);
  json += "},\"passages\":[";
  for (std::size_t at = 0; at < source.passages.size(); ++at) {
    const rag::Passage& passage = source.passages[at];
    json += at == 0 ? "{\"id\":" : ",{\"id\":";
    append_string(json, passage.id);
    json += ",\"score\":";
    append_float(json, passage.score);
    json += ",\"text\":";
    append_string(json, passage.text);
    json += '}';
  }
  json += "]}";
  return json;
}

AnswerEvents::AnswerEvents(std::unique_ptr<rag::Answer> answer, bool with_sources)
    : answer_(std::move(answer)), with_sources_(with_sources) {}

asio::awaitable<Result<std::optional<std::string>>> AnswerEvents::next() {
  if (ended_) co_return std::optional<std::string>();
  if (with_sources_ && !sources_sent_) {
    sources_sent_ = true;
    co_return std::optional<std::string>(named_event("sources", sources_json(answer_->source())));
  }
  std::string events;
  // A piece without text (the model is inside a character) makes no event.
  while (events.empty()) {
    auto result = co_await answer_->next();
    SEL_CO_TRY(piece, std::move(result));
    if (!piece.text.empty()) events += text_event(piece.text);
    if (piece.last) {
      ended_ = true;
      events += last_events(piece);
    }
  }
  co_return std::optional<std::string>(std::move(events));
}

std::string AnswerEvents::last_events(const rag::AnswerPiece& piece) const {
  std::string events;
  if (with_sources_ && answer_->source().mode == rag::AnswerMode::quote) {
    std::string json = "{\"refused\":";
    append_bool(json, piece.refused);
    json += ",\"citations\":[";
    for (std::size_t at = 0; at < piece.citations.size(); ++at) {
      const rag::Citation& citation = piece.citations[at];
      json += at == 0 ? "{\"id\":" : ",{\"id\":";
      append_string(json, citation.passage_id);
      json += ",\"begin\":";
      append_integer(json, citation.begin);
      json += ",\"end\":";
      append_integer(json, citation.end);
      json += '}';
    }
    json += "]}";
    events += named_event("citations", json);
  }
  events += kSseDone;
  return events;
}

std::string AnswerEvents::error_event(const Error& error) {
  return sse_event(plain_error_json(error));
}

}  // namespace selvedge::api
