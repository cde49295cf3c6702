// Answer events: the bot's answer as server-sent events.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "api/sse.h"
#include "rag/bot.h"

namespace selvedge::api {

// "quote" or "model".
std::string_view answer_mode_name(rag::AnswerMode mode);

// {"mode":…,"models":{"text":…,"embedding":…,"stand_in":…},"passages":[{"id","score","text"}]};
// `text` is null in quote mode.
std::string sources_json(const rag::AnswerSource& source);

// data: {"response":"…"} for each piece, then data: [DONE]. With sources, before them
// "event: sources" with sources_json, and of a quote, after them, "event: citations" with
// {"refused":…,"citations":[{"id","begin","end"}]}: byte offsets in the passage's text.
class AnswerEvents final : public EventSource {
 public:
  AnswerEvents(std::unique_ptr<rag::Answer> answer, bool with_sources);
  asio::awaitable<Result<std::optional<std::string>>> next() override;
  std::string error_event(const Error& error) override;

 private:
  std::string last_events(const rag::AnswerPiece& piece) const;

  std::unique_ptr<rag::Answer> answer_;
  bool with_sources_;
  bool sources_sent_ = false;
  bool ended_ = false;
};

}  // namespace selvedge::api
