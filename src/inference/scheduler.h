// Scheduler: the tasks of one model, in and out of its runner, and that runner's life.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "base/result.h"
#include "inference/back_off.h"
#include "inference/event.h"
#include "inference/inference.h"
#include "inference/local_inference.h"
#include "inference/pulse.h"
#include "inference/runner_channel.h"
#include "inference/runner_process.h"
#include "inference/task.h"
#include "inference/thread_budget.h"
#include "wire/messages.h"

namespace selvedge::inference {

class Scheduler;

// The weights a scheduler serves.
struct ModelFile {
  std::string name;
  std::filesystem::path path;
  std::string sha256;
  wire::ModelKind kind = wire::ModelKind::text_generation;
  std::vector<wire::ModelPart> parts = {};
};

// Makes room in memory for a model about to be loaded, and accounts for it.
class RoomKeeper {
 public:
  virtual ~RoomKeeper() = default;
  // Holds `bytes` for `scheduler`, unloading idle models where that helps.
  // Errors: memory_budget_exceeded, unavailable.
  virtual asio::awaitable<Status> make_room(std::shared_ptr<Scheduler> scheduler,
                                            std::uint64_t bytes) = 0;
  // What the loaded model holds, as it turned out; other idle models make way.
  virtual void hold(const Scheduler& scheduler, std::uint64_t bytes) = 0;
  virtual void release(const Scheduler& scheduler) = 0;
  virtual std::uint64_t held_bytes(const Scheduler& scheduler) const = 0;
};

// A task that was accepted. Destroying it cancels the task, unless it is done.
class TaskHandle {
 public:
  TaskHandle(std::shared_ptr<Task> task, std::weak_ptr<Scheduler> scheduler);
  TaskHandle(TaskHandle&&) noexcept = default;
  TaskHandle& operator=(TaskHandle&&) = delete;
  ~TaskHandle();

  Task& operator*() const { return *task_; }
  Task* operator->() const { return task_.get(); }

 private:
  std::shared_ptr<Task> task_;
  std::weak_ptr<Scheduler> scheduler_;
};

// Tasks wait in one bounded line, first come, first served; up to `sequences_max` of them are at
// the runner. The runner is started when a task waits and none runs. Its life is one coroutine,
// `run`: wait for a task, wait out the back-off, make room, start, receive until the channel ends,
// fail what was active, reap. A second one, `watch`, looks after everything that may take too long.
//
// A runner that ends while it works fails its active tasks with model_crashed (none is tried again:
// it may be the cause); those that wait go on with the next runner.
// I/O thread only.
class Scheduler : public std::enable_shared_from_this<Scheduler> {
 public:
  using TimePoint = Event::TimePoint;

  // `options` has no zeros left to fill in.
  Scheduler(asio::io_context& io, ModelFile model, const InferenceOptions& options,
            std::shared_ptr<ThreadBudget> threads, std::weak_ptr<RoomKeeper> rooms);

  // Starts the two coroutines; once, after construction.
  void start();

  // `refuse_when_busy`: queue_full also where the task would have to wait for others.
  // Errors: queue_full, unavailable.
  Result<TaskHandle> submit(Task::Request request, bool refuse_when_busy = false);
  // The caller left. Costs the runner one step at most.
  void cancel(Task& task);

  // Ends the runner when it has nothing to do (any more). A later task starts another one.
  void unload();
  // As unload, for good, after the tasks it has: the weights changed. No submit after this.
  void retire();
  // Ends everything now: tasks end with `unavailable`.
  void stop();
  // Ends the runner without grace.
  void kill();

  const ModelFile& model() const { return model_; }
  RunnerStatus status() const;
  bool has_runner() const { return phase_ != Phase::none; }
  // The runner does nothing, or is on its way out: making room may wait for it.
  bool can_make_room() const;
  bool ending() const { return phase_ == Phase::ending; }
  bool ended() const { return ended_; }
  TimePoint used_at() const { return used_at_; }
  std::uint64_t needed_bytes() const;
  // Notified when the runner is gone.
  Event& gone() { return gone_; }

 private:
  enum class Phase : std::uint8_t { none, loading, ready, ending };

  // A task at the runner. Without `task` its caller left or it took too long, and the place is free
  // when the runner says so, or has answered ping `free_after_pong`.
  struct Active {
    std::shared_ptr<Task> task;
    std::optional<std::uint64_t> free_after_pong;
    Task::GivenUp given_up = {};  // Of a task that is gone.
  };

  // The runner's life.
  asio::awaitable<void> run();
  asio::awaitable<void> run_once();
  Status start_runner();
  asio::awaitable<void> live();
  asio::awaitable<void> receive_until_end();
  void account_for_end();

  // What the runner says.
  void on(wire::Loaded& message);
  void on(wire::LoadProgress& message);
  void on(wire::Granted& message);
  void on(wire::Piece& message);
  void on(wire::Finished& message);
  void on(wire::Embeddings& message);
  void on(wire::Tokens& message);
  void on(wire::Ranks& message);
  void on(wire::Transcript& message);
  void on(wire::Picture& message);
  void on(wire::AdapterMemory& message);
  void on(wire::Progress& message);
  void on(wire::Failed& message);
  void on(wire::Pong& message);
  template <class Other>
  void on(Other& message);
  void finish(wire::TaskId id, Task::Outcome outcome);

  // Time.
  asio::awaitable<void> watch();
  TimePoint next_due() const;
  void check(TimePoint now);
  void check_deadlines(TimePoint now);
  void check_runner(TimePoint now);
  std::chrono::milliseconds silence_max() const;
  std::chrono::milliseconds look_interval() const;
  void check_silence(TimePoint now);

  void enter(Phase phase);
  void pump();
  void send(const wire::Message& message);
  void leave_to_runner(wire::TaskId id, Active& active);
  void update_activity();
  void fail_active(const Error& error);
  void fail_waiting(const Error& error);
  void give_up(std::string reason);
  bool busy() const;
  bool idle() const { return waiting_.empty() && active_.empty(); }
  bool starts() const { return !waiting_.empty() && !stopped_; }

  asio::io_context& io_;
  const ModelFile model_;
  const InferenceOptions options_;
  const std::shared_ptr<ThreadBudget> threads_;
  const std::weak_ptr<RoomKeeper> rooms_;

  std::deque<std::shared_ptr<Task>> waiting_;
  std::map<wire::TaskId, Active> active_;
  wire::TaskId last_task_ = 0;

  Phase phase_ = Phase::none;
  std::shared_ptr<RunnerProcess> process_;
  std::shared_ptr<RunnerChannel> channel_;
  std::optional<ThreadBudget::Id> threads_id_;
  std::uint64_t weights_bytes_ = 0;
  std::uint64_t loaded_bytes_ = 0;  // What these weights took when they were loaded last.
  std::string end_reason_;          // Why we ended it, when it was its fault.
  bool end_wanted_ = false;         // We asked it to end, for reasons of our own.
  bool load_refused_ = false;       // It said why.
  std::optional<TimePoint> ready_at_;
  TimePoint phase_since_;
  TimePoint used_at_;
  TimePoint heard_at_;
  TimePoint looked_at_;
  Pulse pulse_;  // Of the runner, while it is silent.
  std::uint64_t pings_ = 0;
  std::uint64_t pongs_ = 0;

  BackOff back_off_;
  int load_crashes_ = 0;
  std::uint64_t starts_ = 0;
  bool retired_ = false;
  bool stopped_ = false;
  bool ended_ = false;

  Event changed_;  // For `run`.
  Event watch_;    // For `watch`.
  Event gone_;     // For those outside.
};

}  // namespace selvedge::inference
