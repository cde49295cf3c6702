// Thread budget: never more computing threads than cores, over all runners.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace selvedge::inference {

// The threads of two engines on the same core do not slow each other down by half but by ten to
// fifty times: they spin at the barriers of every graph node. So a runner computes only with what
// it was granted here, and cores move in two steps: the runner that must shrink confirms first (it
// does so between two of its own steps), then the other one grows. At every moment the sum of what
// runners hold, or may still hold, is at most `cores`.
//
// Shares: every runner with work gets cores / active threads; what is left over goes to text
// generation first, in the order of arrival (reading prompts is what profits from threads). With
// more active runners than cores each gets one thread, in turns of `slice`: the longest holder goes
// to the back of the line. Idle runners hold nothing.
//
// Pure bookkeeping: no clock, no process, no lock. One thread.
class ThreadBudget {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Id = std::uint64_t;
  // Tells a runner how many threads it may use from its next step on. Must not call back into the
  // budget.
  using Send = std::function<void(std::int32_t threads)>;

  // `cores` of less than 1 count as 1.
  ThreadBudget(std::int32_t cores, std::chrono::milliseconds slice);

  // A new runner, which holds nothing yet. `generates`: its task is text generation.
  Id join(bool generates, Send send);
  // The runner's process has ended, so what it held is free.
  void leave(Id id, TimePoint now);

  // The runner has work; the runner has none any more. Repeating one changes nothing.
  void want(Id id, TimePoint now);
  void rest(Id id, TimePoint now);

  // The runner confirmed its latest grant. False when it confirmed something else: then nothing is
  // known about what it computes with, and nothing changes.
  bool confirm(Id id, std::int32_t threads, TimePoint now);

  // Ends the time slices that are over.
  void tick(TimePoint now);
  // When `tick` is due; nothing while every active runner has a core. Changes with every call.
  std::optional<TimePoint> next_slice() const;
  // Called after each change while there are slices to end.
  void on_slices(std::function<void()> wake) { wake_ = std::move(wake); }

  std::int32_t cores() const { return cores_; }
  // What the runner may compute with: the larger of its confirmed and its unconfirmed grant.
  std::int32_t held(Id id) const;
  std::int32_t held_in_all() const;

 private:
  struct Member {
    bool generates = false;
    Send send;
    std::int32_t target = 0;
    std::int32_t confirmed = 0;
    std::int32_t sent = 0;
    bool pending = false;  // A grant is on its way: one at a time.
    TimePoint holds_since;

    std::int32_t held() const { return confirmed > sent ? confirmed : sent; }
  };

  void settle();
  void assign_targets();
  void shrink();
  void grow();
  static void grant(Member& member, std::int32_t threads);

  const std::int32_t cores_;
  const std::chrono::milliseconds slice_;
  std::function<void()> wake_;
  std::map<Id, Member> members_;
  std::vector<Id> line_;  // Active runners; while there are too many, the first `cores_` compute.
  Id last_id_ = 0;
};

}  // namespace selvedge::inference
