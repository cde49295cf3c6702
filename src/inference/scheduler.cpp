// Scheduler: the line of tasks and the life of the runner. What the runner says and what takes too
// long is in scheduler_events.cpp.
#include "inference/scheduler.h"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "inference/background.h"
#include "inference/memory_budget.h"

namespace selvedge::inference {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

int time_allowed(const Task::Request& request, const InferenceOptions& options) {
  const bool draws = std::holds_alternative<wire::Draw>(request);
  return draws ? std::max(options.task_ms_max, options.draw_ms_max) : options.task_ms_max;
}

// Of the weights and all their parts. Errors: model_load_failed (a file is not there).
Result<std::uint64_t> bytes_on_disk(const ModelFile& model) {
  std::vector<std::filesystem::path> files{model.path};
  for (const wire::ModelPart& part : model.parts) files.emplace_back(part.path);
  std::uint64_t sum = 0;
  for (const std::filesystem::path& file : files) {
    std::error_code missing;
    const std::uintmax_t bytes = std::filesystem::file_size(file, missing);
    if (missing) {
      return Error{Code::model_load_failed,
                   "the weights of model " + model.name + ": " + missing.message()};
    }
    sum += bytes;
  }
  return sum;
}

}  // namespace

TaskHandle::TaskHandle(std::shared_ptr<Task> task, std::weak_ptr<Scheduler> scheduler)
    : task_(std::move(task)), scheduler_(std::move(scheduler)) {}

TaskHandle::~TaskHandle() {
  if (!task_) return;
  if (task_->done()) {
    // It ended while nobody looked.
    const auto told = task_->take_given_up();
    const auto* used = task_->end().ok() ? std::get_if<wire::Finished>(&*task_->end()) : nullptr;
    if (told && used != nullptr) told(*used);
    return;
  }
  if (const auto scheduler = scheduler_.lock()) scheduler->cancel(*task_);
}

Scheduler::Scheduler(asio::io_context& io, ModelFile model, const InferenceOptions& options,
                     std::shared_ptr<ThreadBudget> threads, std::weak_ptr<RoomKeeper> rooms)
    : io_(io),
      model_(std::move(model)),
      options_(options),
      threads_(std::move(threads)),
      rooms_(std::move(rooms)),
      used_at_(Clock::now()),
      back_off_(milliseconds(options.restart_ms_first), milliseconds(options.restart_ms_max),
                milliseconds(options.healthy_ms)),
      changed_(io),
      watch_(io),
      gone_(io) {}

void Scheduler::start() {
  run_in_background(io_, "scheduler of " + model_.name, run());
  run_in_background(io_, "watch of " + model_.name, watch());
}

bool Scheduler::busy() const {
  const bool one_by_one =
      model_.kind == wire::ModelKind::image || model_.kind == wire::ModelKind::speech;
  const auto places =
      one_by_one ? 1 : static_cast<std::size_t>(std::max(options_.sequences_max, 1));
  return waiting_.size() + active_.size() >= places;
}

Result<TaskHandle> Scheduler::submit(Task::Request request, bool refuse_when_busy) {
  if (stopped_ || retired_) return Error{Code::unavailable, "the server is shutting down"};
  if (waiting_.size() >= options_.tasks_waiting_max) {
    return Error{Code::queue_full, "too many tasks wait for model " + model_.name};
  }
  if (refuse_when_busy && busy()) {
    return Error{Code::queue_full, "model " + model_.name + " is busy"};
  }
  const TimePoint now = Clock::now();
  const auto deadline = now + milliseconds(time_allowed(request, options_));
  auto task = std::make_shared<Task>(io_, ++last_task_, std::move(request), deadline);
  waiting_.push_back(task);
  used_at_ = now;
  pump();
  changed_.notify();
  watch_.notify();
  return TaskHandle(std::move(task), weak_from_this());
}

void Scheduler::cancel(Task& task) {
  task.fail(Error{Code::cancelled, "the caller left"});
  std::erase_if(waiting_, [&](const std::shared_ptr<Task>& one) { return one.get() == &task; });
  const auto found = active_.find(task.id());
  if (found != active_.end() && found->second.task) leave_to_runner(task.id(), found->second);
  update_activity();
}

void Scheduler::leave_to_runner(wire::TaskId id, Active& active) {
  active.given_up = active.task->take_given_up();
  active.task.reset();
  // Frames are taken in order: whoever answers this ping has met the cancellation before it. Not
  // every kind of task has an answer to Cancel of its own.
  active.free_after_pong = ++pings_;
  send(wire::Cancel{id});
  send(wire::Ping{pings_});
}

void Scheduler::pump() {
  if (phase_ == Phase::ready) {
    const auto places = static_cast<std::size_t>(std::max(options_.sequences_max, 1));
    while (phase_ == Phase::ready && !waiting_.empty() && active_.size() < places) {
      const std::shared_ptr<Task> task = std::move(waiting_.front());
      waiting_.pop_front();
      // Silence counts from the first work after a pause.
      if (active_.empty()) heard_at_ = Clock::now();
      active_[task->id()] = Active{task, std::nullopt};
      send(task->take_request());
    }
  }
  update_activity();
}

void Scheduler::update_activity() {
  if (phase_ != Phase::ready) return;
  const TimePoint now = Clock::now();
  if (!active_.empty()) {
    used_at_ = now;
    threads_->want(*threads_id_, now);
    return;
  }
  threads_->rest(*threads_id_, now);
  watch_.notify();  // It may be idle for long from now on.
  if (waiting_.empty() && retired_) unload();
}

void Scheduler::send(const wire::Message& message) {
  if (channel_ && channel_->send(message)) return;
  if (phase_ == Phase::ready) give_up("it does not read what it is sent");
}

void Scheduler::fail_active(const Error& error) {
  for (auto& [id, active] : active_) {
    if (active.task) active.task->fail(error);
  }
  active_.clear();
}

void Scheduler::fail_waiting(const Error& error) {
  for (const auto& task : waiting_) task->fail(error);
  waiting_.clear();
}

void Scheduler::enter(Phase phase) {
  phase_ = phase;
  phase_since_ = Clock::now();
  watch_.notify();
}

void Scheduler::unload() {
  if (phase_ == Phase::loading) return kill();
  if (phase_ != Phase::ready) return;
  end_wanted_ = true;
  enter(Phase::ending);
  if (!channel_->send(wire::Shutdown{})) process_->kill();
}

void Scheduler::retire() {
  retired_ = true;
  if (phase_ == Phase::ready && idle()) unload();
  changed_.notify();
}

void Scheduler::stop() {
  stopped_ = true;
  const Error error{Code::unavailable, "the server is shutting down"};
  fail_active(error);
  fail_waiting(error);
  unload();
  changed_.notify();
  watch_.notify();
}

void Scheduler::kill() {
  if (phase_ == Phase::none) return;
  end_wanted_ = true;
  enter(Phase::ending);
  process_->kill();
}

void Scheduler::give_up(std::string reason) {
  if (phase_ == Phase::ending) return;
  end_reason_ = std::move(reason);
  enter(Phase::ending);
  // Not when the process is gone, but now: one that hangs in the kernel may take its time.
  fail_active(Error{Code::model_crashed, "model " + model_.name + ": " + end_reason_});
  process_->kill();
}

bool Scheduler::can_make_room() const {
  return phase_ == Phase::ending || (phase_ == Phase::ready && idle());
}

std::uint64_t Scheduler::needed_bytes() const {
  const auto bytes = bytes_on_disk(model_);
  if (!bytes.ok()) return 0;
  if (loaded_bytes_ > 0 && *bytes == weights_bytes_) return loaded_bytes_;
  return estimate_memory_bytes(*bytes, model_.kind, options_.sequences_max,
                               options_.context_tokens);
}

RunnerStatus Scheduler::status() const {
  RunnerStatus status;
  status.model = model_.name;
  status.state = phase_ == Phase::ready || phase_ == Phase::ending ? RunnerState::ready
                 : phase_ == Phase::none && Clock::now() < back_off_.not_before()
                     ? RunnerState::backing_off
                     : RunnerState::starting;
  status.pid = process_ ? process_->pid() : 0;
  if (const auto rooms = rooms_.lock()) status.memory_bytes = rooms->held_bytes(*this);
  status.tasks_active = active_.size();
  status.tasks_waiting = waiting_.size();
  if (threads_id_) status.threads = threads_->held(*threads_id_);
  status.restarts = starts_ > 0 ? starts_ - 1 : 0;
  return status;
}

asio::awaitable<void> Scheduler::run() {
  const auto self = shared_from_this();
  while (!stopped_ && !(retired_ && idle())) {
    if (waiting_.empty()) {
      co_await changed_.wait();
    } else if (Clock::now() < back_off_.not_before()) {
      co_await changed_.wait_until(back_off_.not_before());
    } else {
      co_await run_once();
    }
  }
  ended_ = true;
  watch_.notify();
  gone_.notify();
}

asio::awaitable<void> Scheduler::run_once() {
  const auto bytes = bytes_on_disk(model_);
  if (!bytes.ok()) {
    fail_waiting(bytes.error());
    co_return;
  }
  if (*bytes != weights_bytes_) loaded_bytes_ = 0;
  weights_bytes_ = *bytes;
  const auto rooms = rooms_.lock();
  if (!rooms) co_return;
  auto room = co_await rooms->make_room(shared_from_this(), needed_bytes());
  if (!room.ok()) {
    fail_waiting(room.error());
    co_return;
  }
  if (starts()) {
    const auto started = start_runner();
    if (!started.ok()) {
      log::error("{}", started.error().message);
      back_off_.failed(Clock::now(), {});
      fail_waiting(Error{Code::model_load_failed,
                         "the runner of model " + model_.name + " cannot be started"});
    } else {
      co_await live();
    }
  }
  rooms->release(*this);
  gone_.notify();
}

Status Scheduler::start_runner() {
  SEL_TRY(process, RunnerProcess::start(io_, options_.runner, model_.name));
  SEL_TRY(channel, RunnerChannel::open(io_, process->take_socket()));
  process_ = std::move(process);
  channel_ = std::move(channel);
  process_->on_end([channel = std::weak_ptr<RunnerChannel>(channel_)] {
    if (const auto open = channel.lock()) open->end_receiving();
  });
  ++starts_;
  enter(Phase::loading);
  ready_at_.reset();
  end_wanted_ = false;
  load_refused_ = false;
  end_reason_.clear();
  wire::Load load;
  load.model_path = model_.path.string();
  load.kind = model_.kind;
  load.context_tokens = options_.context_tokens;
  load.sequences_max = options_.sequences_max;
  load.threads_max = threads_->cores();
  load.parts = model_.parts;
  channel_->send(load);
  return ok_status();
}

asio::awaitable<void> Scheduler::live() {
  co_await receive_until_end();
  fail_active(Error{Code::model_crashed,
                    "the runner of model " + model_.name + " ended while it worked on this task"});
  if (phase_ != Phase::ending) enter(Phase::ending);
  channel_->close();
  process_->kill();
  co_await process_->wait_end();
  account_for_end();
}

void Scheduler::account_for_end() {
  if (threads_id_) threads_->leave(*threads_id_, Clock::now());
  threads_id_.reset();
  const ProcessEnd how = process_->end().value_or(ProcessEnd{});
  process_.reset();
  channel_.reset();
  enter(Phase::none);
  if (end_wanted_) {
    log::info("model {} is unloaded", model_.name);
    return;
  }
  const TimePoint now = Clock::now();
  back_off_.failed(now, ready_at_ ? now - *ready_at_ : TimePoint::duration{});
  if (load_refused_) return;
  log::warn("the runner of model {} failed: {}", model_.name,
            end_reason_.empty() ? describe(how) : end_reason_);
  if (ready_at_) return;
  ++load_crashes_;
  if (load_crashes_ < options_.load_crashes_max) return;
  fail_waiting(Error{Code::model_load_failed,
                     "the runner of model " + model_.name + " crashes while it loads"});
}

}  // namespace selvedge::inference
