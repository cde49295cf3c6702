// RunnerLoop: frames first, then one step, then the answers.
#include "engines/runner_loop.h"

#include <chrono>
#include <exception>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/log.h"

namespace selvedge::engines {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr float kProgressStep = 0.02f;
constexpr milliseconds kProgressSilenceMax{1000};

// The wall for exceptions of engine libraries. Their text may speak of anything: it goes to the log
// only.
template <class Function>
auto guarded(const char* what, Function function) -> std::invoke_result_t<Function&> {
  try {
    return function();
  } catch (const std::exception& caught) {
    log::error("engine failed in {}: {}", what, caught.what());
  } catch (...) {
    log::error("engine failed in {}", what);
  }
  return Error{Code::internal, std::string("the engine failed in ") + what};
}

Status start(Engine& engine, wire::Generate&& task) {
  return engine.start_generate(std::move(task));
}
Status start(Engine& engine, wire::Embed&& task) { return engine.start_embed(std::move(task)); }
Status start(Engine& engine, wire::Rank&& task) { return engine.start_rank(std::move(task)); }
Status start(Engine& engine, wire::Transcribe&& task) {
  return engine.start_transcribe(std::move(task));
}
Status start(Engine& engine, wire::Draw&& task) { return engine.start_draw(std::move(task)); }

// The task that `event` ends; 0 when it ends none.
wire::TaskId task_ended_by(const wire::Message& event) {
  return std::visit(
      [](const auto& one) -> wire::TaskId {
        using T = std::decay_t<decltype(one)>;
        if constexpr (std::is_same_v<T, wire::Finished> || std::is_same_v<T, wire::Embeddings> ||
                      std::is_same_v<T, wire::Ranks> || std::is_same_v<T, wire::Transcript> ||
                      std::is_same_v<T, wire::Picture> || std::is_same_v<T, wire::Failed>) {
          return one.task;
        }
        return 0;
      },
      event);
}

}  // namespace

RunnerLoop::RunnerLoop(wire::BlockingChannel& channel, Loader loader)
    : channel_(channel), loader_(std::move(loader)) {}

int RunnerLoop::run() {
  std::vector<wire::Message> messages;
  while (!exit_code_) {
    messages.clear();
    std::optional<milliseconds> wait;
    if (can_step()) wait = milliseconds(0);
    auto received = channel_.receive(messages, wait);
    for (wire::Message& message : messages) {
      if (!exit_code_) handle(std::move(message));
    }
    if (!received.ok()) {
      const bool closed = received.error().code == Code::unavailable;
      if (!closed) log::error("{}", received.error().message);
      end(closed ? kExitEnded : kExitProtocol);
    }
    apply_grant();
    if (can_step()) step();
    flush();
  }
  return *exit_code_;
}

bool RunnerLoop::can_step() const {
  return !exit_code_ && engine_ && threads_ > 0 && engine_->has_work();
}

void RunnerLoop::handle(wire::Message message) {
  std::visit(
      [this](auto& one) {
        using T = std::decay_t<decltype(one)>;
        constexpr bool is_work = std::is_same_v<T, wire::Generate> ||
                                 std::is_same_v<T, wire::Embed> || std::is_same_v<T, wire::Rank> ||
                                 std::is_same_v<T, wire::Transcribe> ||
                                 std::is_same_v<T, wire::Draw>;
        constexpr bool is_task = is_work || std::is_same_v<T, wire::Tokenize>;
        if constexpr (std::is_same_v<T, wire::Ping>) {
          events_.push_back(wire::Pong{one.number});
        } else if constexpr (std::is_same_v<T, wire::Shutdown>) {
          end(kExitEnded);
        } else if constexpr (is_task) {
          if (engine_) {
            if constexpr (is_work) return begin(one);
            if constexpr (!is_work) return on(one);
          }
          log::error("runner: a task before a model");
          end(kExitProtocol);
        } else if constexpr (std::is_same_v<T, wire::Load> || std::is_same_v<T, wire::Grant> ||
                             std::is_same_v<T, wire::Cancel>) {
          on(one);
        } else {
          log::error("runner: a message that only runners send");
          end(kExitProtocol);
        }
      },
      message);
}

void RunnerLoop::on(const wire::Load& load) {
  if (engine_) {
    log::error("runner: a second model");
    return end(kExitProtocol);
  }
  float told = -1;
  auto told_at = steady_clock::now();
  const auto progress = [&](float fraction) {
    const auto now = steady_clock::now();
    if (fraction - told < kProgressStep && now - told_at < kProgressSilenceMax) return true;
    told = fraction;
    told_at = now;
    return channel_.send(wire::LoadProgress{fraction}).ok();
  };
  auto loaded = guarded("load", [&] { return loader_(load, progress); });
  if (!loaded.ok()) {
    events_.push_back(wire::Failed{0, loaded.error().code, std::move(loaded.error().message)});
    return end(kExitLoadFailed);
  }
  engine_ = std::move(loaded->engine);
  if (threads_ > 0) engine_->set_threads(threads_);
  events_.push_back(std::move(loaded->facts));
}

void RunnerLoop::on(const wire::Grant& grant) { granted_ = grant.threads > 0 ? grant.threads : 0; }

void RunnerLoop::apply_grant() {
  if (!granted_ || exit_code_ || (engine_ && engine_->computing())) return;
  threads_ = *std::exchange(granted_, std::nullopt);
  if (engine_) {
    auto status = guarded("set_threads", [&]() -> Status {
      if (threads_ > 0) {
        engine_->set_threads(threads_);
      } else {
        engine_->pause();
      }
      return ok_status();
    });
    if (!status.ok()) threads_ = 0;
  }
  events_.push_back(wire::Granted{threads_});
}

template <class Task>
void RunnerLoop::begin(Task& task) {
  const wire::TaskId id = task.task;
  auto status = guarded("start", [&]() -> Status { return start(*engine_, std::move(task)); });
  if (!status.ok()) return fail(id, std::move(status.error()));
  tasks_.insert(id);
}

void RunnerLoop::on(const wire::Tokenize& task) {
  auto tokens = guarded("tokenize", [&] { return engine_->tokenize(task); });
  if (!tokens.ok()) return fail(task.task, std::move(tokens.error()));
  events_.push_back(std::move(*tokens));
}

void RunnerLoop::on(const wire::Cancel& cancel) {
  if (!engine_ || !tasks_.contains(cancel.task)) return;
  auto status = guarded("cancel", [&]() -> Status {
    engine_->cancel(cancel.task, events_);
    return ok_status();
  });
  if (!status.ok()) fail(cancel.task, std::move(status.error()));
  tasks_.erase(cancel.task);
}

void RunnerLoop::step() {
  auto status = guarded("step", [this] { return engine_->step(events_); });
  for (const wire::Message& event : events_) tasks_.erase(task_ended_by(event));
  if (status.ok()) return;
  const std::set<wire::TaskId> lost = std::exchange(tasks_, {});
  std::vector<wire::Message> unsent;
  for (const wire::TaskId task : lost) {
    auto cancelled = guarded("cancel", [&]() -> Status {
      engine_->cancel(task, unsent);
      return ok_status();
    });
    if (!cancelled.ok()) log::warn("runner: task {} could not be taken back", task);
    fail(task, status.error());
  }
}

void RunnerLoop::fail(wire::TaskId task, Error error) {
  events_.push_back(wire::Failed{task, error.code, std::move(error.message)});
}

void RunnerLoop::flush() {
  auto sent = channel_.send(events_);
  events_.clear();
  if (sent.ok() || exit_code_) return;
  const bool closed = sent.error().code == Code::unavailable;
  if (!closed) log::error("{}", sent.error().message);
  end(closed ? kExitEnded : kExitProtocol);
}

void RunnerLoop::end(int exit_code) {
  if (!exit_code_) exit_code_ = exit_code;
}

}  // namespace selvedge::engines
