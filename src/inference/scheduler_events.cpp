// Scheduler, second part: what the runner says, and what takes too long.
#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "inference/scheduler.h"

namespace selvedge::inference {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::uint64_t kWeightsBytesPerSilence = 4ull << 30;

}  // namespace

template <class Other>
void Scheduler::on(Other&) {
  give_up("it sent what only the server sends");
}

asio::awaitable<void> Scheduler::receive_until_end() {
  for (;;) {
    auto message = co_await channel_->receive();
    if (!message.ok()) {
      if (message.error().code == Code::corrupt_data) give_up("it sent what is no frame");
      break;
    }
    heard_at_ = Clock::now();
    std::visit([this](auto& one) { on(one); }, message.value());
  }
}

void Scheduler::on(wire::Loaded& message) {
  if (phase_ != Phase::loading) return;
  const TimePoint now = Clock::now();
  log::info("model {} is loaded ({} ms)", model_.name,
            std::chrono::duration_cast<milliseconds>(now - phase_since_).count());
  enter(Phase::ready);
  ready_at_ = now;
  used_at_ = now;
  load_crashes_ = 0;
  // Mapped weights become resident only when they are used.
  loaded_bytes_ = std::max(message.memory_bytes, weights_bytes_);
  if (const auto rooms = rooms_.lock()) rooms->hold(*this, loaded_bytes_);
  threads_id_ = threads_->join(model_.kind == wire::ModelKind::text_generation,
                               [weak = weak_from_this()](std::int32_t threads) {
                                 const auto self = weak.lock();
                                 if (self) self->send(wire::Grant{threads});
                               });
  pump();
}

void Scheduler::on(wire::LoadProgress&) {}

void Scheduler::on(wire::Granted& message) {
  if (phase_ != Phase::ready) return;
  if (!threads_->confirm(*threads_id_, message.threads, Clock::now())) {
    give_up("it did not take the threads it was granted");
  }
}

void Scheduler::on(wire::Piece& message) {
  const auto found = active_.find(message.task);
  if (found == active_.end() || !found->second.task) return;
  found->second.task->add(std::move(message));
}

void Scheduler::on(wire::Finished& message) { finish(message.task, message); }
void Scheduler::on(wire::Embeddings& message) { finish(message.task, std::move(message)); }
void Scheduler::on(wire::Tokens& message) { finish(message.task, std::move(message)); }
void Scheduler::on(wire::Ranks& message) { finish(message.task, std::move(message)); }
void Scheduler::on(wire::Transcript& message) { finish(message.task, std::move(message)); }
void Scheduler::on(wire::Picture& message) { finish(message.task, std::move(message)); }

void Scheduler::on(wire::Progress& message) {
  const auto found = active_.find(message.task);
  if (found != active_.end() && found->second.task) found->second.task->note(message);
}

void Scheduler::on(wire::AdapterMemory& message) {
  if (phase_ != Phase::ready) return;
  if (const auto rooms = rooms_.lock()) rooms->hold(*this, loaded_bytes_ + message.bytes);
}

void Scheduler::finish(wire::TaskId id, Task::Outcome outcome) {
  const auto found = active_.find(id);
  if (found == active_.end()) return;
  if (found->second.task) {
    found->second.task->finish(std::move(outcome));
  } else if (const auto* used = std::get_if<wire::Finished>(&outcome); used != nullptr) {
    if (found->second.given_up) found->second.given_up(*used);
  }
  active_.erase(found);
  pump();
}

void Scheduler::on(wire::Failed& message) {
  if (message.task != 0) {
    const auto found = active_.find(message.task);
    if (found == active_.end()) return;
    if (found->second.task) {
      found->second.task->fail(Error{message.code, std::move(message.message)});
    }
    active_.erase(found);
    return pump();
  }
  if (phase_ != Phase::loading) return give_up("it gave up its model");
  log::warn("model {} cannot be loaded: {}", model_.name, message.message);
  load_refused_ = true;
  enter(Phase::ending);
  fail_waiting(
      Error{Code::model_load_failed, "model " + model_.name + ": " + std::move(message.message)});
}

void Scheduler::on(wire::Pong& message) {
  pongs_ = std::max(pongs_, message.number);
  std::erase_if(active_, [this](const auto& entry) {
    return entry.second.free_after_pong && *entry.second.free_after_pong <= pongs_;
  });
  pump();
}

asio::awaitable<void> Scheduler::watch() {
  const auto self = shared_from_this();
  while (!ended_) {
    const TimePoint due = next_due();
    co_await watch_.wait_until(due);
    const TimePoint now = Clock::now();
    // What this thread was late is not the runner's silence: its words may lie unread.
    if (now > due) {
      heard_at_ = std::min(now, heard_at_ + (now - due));
      pulse_.forgive(now - due);
    }
    check(now);
  }
}

milliseconds Scheduler::silence_max() const {
  const auto parts = static_cast<int>(weights_bytes_ / kWeightsBytesPerSilence) + 1;
  return milliseconds(options_.silence_ms_max) * parts;
}

// How often a silent runner is asked and looked at.
milliseconds Scheduler::look_interval() const {
  return std::min(silence_max(), milliseconds(options_.stillness_ms_max)) / 4;
}

Scheduler::TimePoint Scheduler::next_due() const {
  TimePoint due = TimePoint::max();
  for (const auto& task : waiting_) due = std::min(due, task->deadline());
  for (const auto& [id, active] : active_) {
    if (active.task) due = std::min(due, active.task->deadline());
  }
  switch (phase_) {
    case Phase::none:
      break;
    case Phase::loading:
      due = std::min(due, phase_since_ + milliseconds(options_.load_ms_max));
      break;
    case Phase::ready:
      if (active_.empty()) {
        due = std::min(due, used_at_ + milliseconds(options_.idle_unload_ms));
      } else {
        due = std::min(due, heard_at_ + silence_max());
        due = std::min(due, std::max(heard_at_, looked_at_) + look_interval());
      }
      break;
    case Phase::ending:
      due = std::min(due, phase_since_ + milliseconds(options_.end_ms_max));
      break;
  }
  return due;
}

void Scheduler::check(TimePoint now) {
  check_deadlines(now);
  check_runner(now);
}

void Scheduler::check_deadlines(TimePoint now) {
  const Error error{Code::deadline_exceeded,
                    "model " + model_.name + " did not finish the task in the time allowed"};
  std::erase_if(waiting_, [&](const std::shared_ptr<Task>& task) {
    if (now < task->deadline()) return false;
    task->fail(error);
    return true;
  });
  std::vector<wire::TaskId> late;
  for (const auto& [id, active] : active_) {
    if (active.task && now >= active.task->deadline()) late.push_back(id);
  }
  for (const wire::TaskId id : late) {
    // Telling the runner about one may end in giving it up, and with it all the others.
    const auto found = active_.find(id);
    if (found == active_.end()) return;
    found->second.task->fail(error);
    leave_to_runner(id, found->second);
  }
}

void Scheduler::check_runner(TimePoint now) {
  if (phase_ == Phase::loading) {
    if (now < phase_since_ + milliseconds(options_.load_ms_max)) return;
    fail_waiting(Error{Code::model_load_failed,
                       "model " + model_.name + " did not load in the time allowed"});
    return give_up("it did not load in the time allowed");
  }
  if (phase_ == Phase::ending) {
    if (now < phase_since_ + milliseconds(options_.end_ms_max)) return;
    phase_since_ = now;
    return process_->kill();
  }
  if (phase_ != Phase::ready) return;
  if (active_.empty()) {
    if (now >= used_at_ + milliseconds(options_.idle_unload_ms) && waiting_.empty()) unload();
    return;
  }
  check_silence(now);
}

void Scheduler::check_silence(TimePoint now) {
  if (now >= heard_at_ + silence_max()) {
    const auto ms = silence_max().count();
    return give_up("it did nothing for " + std::to_string(ms) + " ms");
  }
  if (now < std::max(heard_at_, looked_at_) + look_interval()) return;
  looked_at_ = now;
  if (pings_ == pongs_) {
    pulse_.restart(now);
    pulse_.look(now, read_pulse(process_->pid()));
    const std::uint64_t number = ++pings_;
    return send(wire::Ping{number});
  }
  pulse_.look(now, read_pulse(process_->pid()));
  const auto still_since = std::max(heard_at_, pulse_.moved_at());
  if (now >= still_since + milliseconds(options_.stillness_ms_max)) {
    give_up("it is stuck: it neither answered nor did anything for " +
            std::to_string(options_.stillness_ms_max) + " ms");
  }
}

}  // namespace selvedge::inference
