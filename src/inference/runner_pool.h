// Runner pool: one scheduler per model file, and the memory and cores they share.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/result.h"
#include "catalog/catalog.h"
#include "inference/local_inference.h"
#include "inference/memory_budget.h"
#include "inference/scheduler.h"
#include "inference/task.h"
#include "inference/thread_budget.h"

namespace selvedge::inference {

// I/O thread only. Coroutines of schedulers use the pool, so it is shared with them while they do.
class RunnerPool : public RoomKeeper, public std::enable_shared_from_this<RunnerPool> {
 public:
  // `options` has no zeros left to fill in.
  RunnerPool(asio::io_context& io, const InferenceOptions& options);

  // Once, after construction.
  void start();

  // To the scheduler of the weights that answer for `model`.
  // Errors: queue_full, memory_budget_exceeded, model_load_failed, unavailable.
  Result<TaskHandle> submit(const catalog::Resolved& model, wire::ModelKind kind,
                            Task::Request request, bool refuse_when_busy = false);

  std::vector<RunnerStatus> status() const;

  // Ends all tasks with `unavailable` and all runners; returns when they are gone, after twice
  // `end_ms_max` at the latest.
  asio::awaitable<void> shut_down();
  // The same without waiting: runners are killed.
  void abandon();

  asio::awaitable<Status> make_room(std::shared_ptr<Scheduler> scheduler,
                                    std::uint64_t bytes) override;
  void hold(const Scheduler& scheduler, std::uint64_t bytes) override;
  void release(const Scheduler& scheduler) override;
  std::uint64_t held_bytes(const Scheduler& scheduler) const override;

 private:
  using Key = std::pair<std::string, wire::ModelKind>;

  Scheduler& scheduler_of(const catalog::Resolved& model, wire::ModelKind kind);
  Status check_room(const Scheduler& scheduler) const;
  Error no_room(const Scheduler& scheduler, std::uint64_t bytes, std::uint64_t available) const;
  std::shared_ptr<Scheduler> next_to_unload(const Scheduler& except) const;
  std::vector<std::shared_ptr<Scheduler>> everyone() const;
  void stop_all();
  void schedule_slices();

  asio::io_context& io_;
  const InferenceOptions options_;
  std::shared_ptr<ThreadBudget> threads_;
  MemoryBudget memory_;
  std::map<Key, std::shared_ptr<Scheduler>> schedulers_;
  std::vector<std::shared_ptr<Scheduler>> retired_;  // Their weights changed; they finish.
  asio::steady_timer slice_timer_;
  bool slice_scheduled_ = false;
  bool stopped_ = false;
};

}  // namespace selvedge::inference
