// Task: one unit of inference work, and the mailbox where its caller waits for what comes of it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "base/result.h"
#include "inference/event.h"
#include "wire/messages.h"

namespace selvedge::inference {

// What came of a generation since its caller looked last.
struct NewText {
  std::string text;
  std::vector<wire::TokenLogprob> logprobs;
  std::string reasoning = {};
  std::vector<wire::ToolCallDelta> tool_calls = {};

  bool empty() const {
    return text.empty() && logprobs.empty() && reasoning.empty() && tool_calls.empty();
  }
};

// Shared by its caller and its scheduler, both on the I/O thread. Text of a caller that is slow
// adds up to one piece, so there is never more of it than one completion.
class Task {
 public:
  using TimePoint = Event::TimePoint;
  using GivenUp = std::function<void(const wire::Finished&)>;
  using Request = std::variant<wire::Generate, wire::Embed, wire::Tokenize, wire::Rank,
                               wire::Transcribe, wire::Draw>;
  using Outcome = std::variant<wire::Finished, wire::Embeddings, wire::Tokens, wire::Ranks,
                               wire::Transcript, wire::Picture>;

  // Gives `request` the number `id`.
  Task(asio::io_context& io, wire::TaskId id, Request request, TimePoint deadline);

  wire::TaskId id() const { return id_; }
  TimePoint deadline() const { return deadline_; }

  // ---- the scheduler's side ----

  // For sending; can be taken once.
  wire::Message take_request();
  // Nothing is added to a task that is done.
  void add(wire::Piece piece);
  void note(const wire::Progress& progress);
  void finish(Outcome outcome);
  void fail(Error error);

  // Finished or failed: nothing more will come.
  bool done() const { return end_.has_value(); }

  // ---- the caller's side ----

  // Until there is text, or progress since the last take_progress(), or the end. Errors: cancelled
  // (the waiting coroutine was).
  asio::awaitable<Status> wait_some();
  // Until the end. Errors: those it failed with, cancelled.
  asio::awaitable<Result<Outcome>> wait_outcome();
  // What was added since the last call.
  NewText take_new();
  // The newest one, once.
  std::optional<wire::Progress> take_progress();
  // See GenerateTask::given_up.
  void when_given_up(GivenUp told) { given_up_ = std::move(told); }
  GivenUp take_given_up() { return std::exchange(given_up_, {}); }
  // Only when done.
  const Result<Outcome>& end() const { return *end_; }

 private:
  asio::awaitable<Status> wait_once();

  wire::TaskId id_;
  Request request_;
  TimePoint deadline_;
  Event changed_;
  NewText new_;
  std::optional<wire::Progress> progress_;
  std::optional<Result<Outcome>> end_;
  GivenUp given_up_;
};

}  // namespace selvedge::inference
