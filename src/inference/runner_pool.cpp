// Runner pool: who is loaded, who must go, and the turns on the cores.
#include "inference/runner_pool.h"

#include <algorithm>
#include <chrono>
#include <system_error>

#include "base/log.h"

namespace selvedge::inference {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

}  // namespace

RunnerPool::RunnerPool(asio::io_context& io, const InferenceOptions& options)
    : io_(io),
      options_(options),
      threads_(std::make_shared<ThreadBudget>(options.cores, milliseconds(options.slice_ms))),
      memory_(options.memory_bytes),
      slice_timer_(io) {}

void RunnerPool::start() {
  threads_->on_slices([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->schedule_slices();
  });
}

Result<TaskHandle> RunnerPool::submit(const catalog::Resolved& model, wire::ModelKind kind,
                                      Task::Request request, bool refuse_when_busy) {
  if (stopped_) return Error{Code::unavailable, "the server is shutting down"};
  Scheduler& scheduler = scheduler_of(model, kind);
  SEL_CHECK_OK(check_room(scheduler));
  return scheduler.submit(std::move(request), refuse_when_busy);
}

Scheduler& RunnerPool::scheduler_of(const catalog::Resolved& model, wire::ModelKind kind) {
  std::erase_if(retired_, [](const auto& one) { return one->ended(); });
  std::shared_ptr<Scheduler>& place = schedulers_[Key(model.path.string(), kind)];
  const auto same_part = [](const wire::ModelPart& part, const catalog::ResolvedPart& other) {
    return part.role == other.role && part.path == other.path.string();
  };
  if (place && (place->model().sha256 != model.sha256 ||
                !std::ranges::equal(place->model().parts, model.parts, same_part))) {
    log::info("the weights of {} changed; its runner is replaced", model.answered_by);
    place->retire();
    retired_.push_back(std::move(place));
  }
  if (!place) {
    ModelFile file{model.answered_by, model.path, model.sha256, kind};
    for (const auto& part : model.parts) file.parts.push_back({part.role, part.path.string()});
    place = std::make_shared<Scheduler>(io_, std::move(file), options_, threads_,
                                        std::weak_ptr<RoomKeeper>(weak_from_this()));
    place->start();
  }
  return *place;
}

Status RunnerPool::check_room(const Scheduler& scheduler) const {
  if (scheduler.has_runner()) return ok_status();
  const std::uint64_t bytes = scheduler.needed_bytes();
  std::uint64_t available = memory_.free_bytes();
  for (const auto& one : everyone()) {
    if (one->can_make_room()) available += memory_.held_bytes(one.get());
  }
  // What is held beyond the budget is not there to be freed.
  available = std::min(available, memory_.total_bytes());
  available += memory_.held_bytes(&scheduler);
  if (bytes > available) return no_room(scheduler, bytes, available);
  return ok_status();
}

Error RunnerPool::no_room(const Scheduler& scheduler, std::uint64_t bytes,
                          std::uint64_t available) const {
  return Error{Code::memory_budget_exceeded,
               "model " + scheduler.model().name + " needs about " +
                   std::to_string(whole_megabytes(bytes)) + " MB; " +
                   std::to_string(available >> 20) + " MB of the memory budget of " +
                   std::to_string(memory_.total_bytes() >> 20) + " MB are available"};
}

asio::awaitable<Status> RunnerPool::make_room(std::shared_ptr<Scheduler> scheduler,
                                              std::uint64_t bytes) {
  const auto self = shared_from_this();
  while (!memory_.take(scheduler.get(), bytes)) {
    if (stopped_) co_return Error{Code::unavailable, "the server is shutting down"};
    const std::shared_ptr<Scheduler> victim = next_to_unload(*scheduler);
    if (!victim) co_return no_room(*scheduler, bytes, memory_.free_bytes());
    if (!victim->ending()) {
      log::info("model {} makes room for {}", victim->model().name, scheduler->model().name);
    }
    victim->unload();
    co_await victim->gone().wait();
  }
  co_return ok_status();
}

std::shared_ptr<Scheduler> RunnerPool::next_to_unload(const Scheduler& except) const {
  std::shared_ptr<Scheduler> oldest;
  for (const auto& one : everyone()) {
    if (one.get() == &except || !one->can_make_room()) continue;
    // One that is on its way out costs nobody anything.
    if (one->ending()) return one;
    if (!oldest || one->used_at() < oldest->used_at()) oldest = one;
  }
  return oldest;
}

void RunnerPool::hold(const Scheduler& scheduler, std::uint64_t bytes) {
  memory_.correct(&scheduler, bytes);
  std::uint64_t held = memory_.held_bytes();
  for (const auto& one : everyone()) {
    if (one->ending()) held -= std::min(held, memory_.held_bytes(one.get()));
  }
  while (held > memory_.total_bytes()) {
    std::shared_ptr<Scheduler> oldest;
    for (const auto& one : everyone()) {
      if (one.get() == &scheduler || one->ending() || !one->can_make_room()) continue;
      if (!oldest || one->used_at() < oldest->used_at()) oldest = one;
    }
    if (!oldest) {
      log::warn("models hold {} MB, more than the memory budget of {} MB", held >> 20,
                memory_.total_bytes() >> 20);
      return;
    }
    held -= std::min(held, memory_.held_bytes(oldest.get()));
    oldest->unload();
  }
}

void RunnerPool::release(const Scheduler& scheduler) { memory_.release(&scheduler); }

std::uint64_t RunnerPool::held_bytes(const Scheduler& scheduler) const {
  return memory_.held_bytes(&scheduler);
}

std::vector<std::shared_ptr<Scheduler>> RunnerPool::everyone() const {
  std::vector<std::shared_ptr<Scheduler>> all(retired_);
  for (const auto& [key, one] : schedulers_) all.push_back(one);
  return all;
}

std::vector<RunnerStatus> RunnerPool::status() const {
  std::vector<RunnerStatus> all;
  for (const auto& one : everyone()) {
    RunnerStatus status = one->status();
    const bool shown =
        one->has_runner() || status.tasks_waiting > 0 || status.state == RunnerState::backing_off;
    if (shown) all.push_back(std::move(status));
  }
  return all;
}

void RunnerPool::stop_all() {
  stopped_ = true;
  for (const auto& one : everyone()) one->stop();
}

void RunnerPool::abandon() {
  stop_all();
  slice_timer_.cancel();
  for (const auto& one : everyone()) one->kill();
}

asio::awaitable<void> RunnerPool::shut_down() {
  const auto self = shared_from_this();
  stop_all();
  const auto all = everyone();
  // Each scheduler kills its own runner when the grace is over. A process that does not even die of
  // that (it waits for a disk) is not waited for.
  asio::steady_timer poll(io_);
  const auto latest = Clock::now() + 2 * milliseconds(options_.end_ms_max);
  const auto done = [](const auto& one) { return one->ended(); };
  while (Clock::now() < latest && !std::ranges::all_of(all, done)) {
    poll.expires_after(milliseconds(10));
    co_await poll.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  slice_timer_.cancel();
}

void RunnerPool::schedule_slices() {
  const auto due = threads_->next_slice();
  if (!due || slice_scheduled_ || stopped_) return;
  slice_scheduled_ = true;
  slice_timer_.expires_at(*due);
  slice_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!self) return;
    self->slice_scheduled_ = false;
    if (error) return;
    self->threads_->tick(Clock::now());
    self->schedule_slices();
  });
}

}  // namespace selvedge::inference
