// Task: what the scheduler puts in, the caller takes out.
#include "inference/task.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <boost/asio/this_coro.hpp>

namespace selvedge::inference {
namespace {

// Deltas of one call in a row become one.
void add_delta(std::vector<wire::ToolCallDelta>& deltas, wire::ToolCallDelta& delta) {
  if (deltas.empty() || deltas.back().index != delta.index) {
    deltas.push_back(std::move(delta));
    return;
  }
  wire::ToolCallDelta& last = deltas.back();
  if (!delta.id.empty()) last.id = std::move(delta.id);
  if (!delta.name.empty()) last.name = std::move(delta.name);
  last.arguments += delta.arguments;
}

}  // namespace

Task::Task(asio::io_context& io, wire::TaskId id, Request request, TimePoint deadline)
    : id_(id), request_(std::move(request)), deadline_(deadline), changed_(io) {
  std::visit([id](auto& one) { one.task = id; }, request_);
}

wire::Message Task::take_request() {
  return std::visit([](auto& one) { return wire::Message(std::move(one)); }, request_);
}

void Task::add(wire::Piece piece) {
  if (done()) return;
  if (new_.empty()) {
    new_ = {std::move(piece.text), std::move(piece.logprobs), std::move(piece.reasoning),
            std::move(piece.tool_calls)};
  } else {
    new_.text += piece.text;
    std::ranges::move(piece.logprobs, std::back_inserter(new_.logprobs));
    new_.reasoning += piece.reasoning;
    for (wire::ToolCallDelta& delta : piece.tool_calls) add_delta(new_.tool_calls, delta);
  }
  changed_.notify();
}

void Task::note(const wire::Progress& progress) {
  if (done()) return;
  progress_ = progress;
  changed_.notify();
}

void Task::finish(Outcome outcome) {
  if (done()) return;
  end_.emplace(std::move(outcome));
  changed_.notify();
}

void Task::fail(Error error) {
  if (done()) return;
  end_.emplace(std::move(error));
  changed_.notify();
}

asio::awaitable<Status> Task::wait_once() {
  co_await changed_.wait();
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  if (cancellation.cancelled() != asio::cancellation_type::none) {
    co_return Error{Code::cancelled, "the caller left"};
  }
  co_return ok_status();
}

asio::awaitable<Status> Task::wait_some() {
  while (new_.empty() && !progress_ && !done()) {
    auto waited = co_await wait_once();
    SEL_CO_CHECK_OK(std::move(waited));
  }
  co_return ok_status();
}

asio::awaitable<Result<Task::Outcome>> Task::wait_outcome() {
  while (!done()) {
    auto waited = co_await wait_once();
    SEL_CO_CHECK_OK(std::move(waited));
  }
  co_return std::move(*end_);
}

NewText Task::take_new() { return std::exchange(new_, {}); }

std::optional<wire::Progress> Task::take_progress() { return std::exchange(progress_, {}); }

}  // namespace selvedge::inference
