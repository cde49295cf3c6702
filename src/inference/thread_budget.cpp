// Thread budget: targets first, then shrink, then grow with what is really free.
#include "inference/thread_budget.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace selvedge::inference {

ThreadBudget::ThreadBudget(std::int32_t cores, std::chrono::milliseconds slice)
    : cores_(std::max(cores, 1)), slice_(slice) {}

ThreadBudget::Id ThreadBudget::join(bool generates, Send send) {
  const Id id = ++last_id_;
  Member& member = members_[id];
  member.generates = generates;
  member.send = std::move(send);
  return id;
}

void ThreadBudget::leave(Id id, TimePoint) {
  if (members_.erase(id) == 0) return;
  std::erase(line_, id);
  settle();
}

void ThreadBudget::want(Id id, TimePoint) {
  SEL_CHECK(members_.contains(id));
  if (std::ranges::find(line_, id) != line_.end()) return;
  line_.push_back(id);
  settle();
}

void ThreadBudget::rest(Id id, TimePoint) {
  if (std::erase(line_, id) == 0) return;
  settle();
}

bool ThreadBudget::confirm(Id id, std::int32_t threads, TimePoint now) {
  const auto found = members_.find(id);
  if (found == members_.end()) return false;
  Member& member = found->second;
  if (!member.pending || threads != member.sent) return false;
  if (member.confirmed == 0 && threads > 0) member.holds_since = now;
  member.confirmed = threads;
  member.pending = false;
  settle();
  return true;
}

void ThreadBudget::tick(TimePoint now) {
  const auto places = static_cast<std::size_t>(cores_);
  if (line_.size() <= places) return;
  std::vector<Id> over;
  for (std::size_t at = 0; at < places; ++at) {
    const Member& member = members_.at(line_[at]);
    if (member.confirmed > 0 && now - member.holds_since >= slice_) over.push_back(line_[at]);
  }
  std::ranges::stable_sort(over, {}, [this](Id id) { return members_.at(id).holds_since; });
  // No more than there are others waiting, or one would hand its core to itself.
  over.resize(std::min(over.size(), line_.size() - places));
  for (const Id id : over) {
    std::erase(line_, id);
    line_.push_back(id);
  }
  if (!over.empty()) settle();
}

std::optional<ThreadBudget::TimePoint> ThreadBudget::next_slice() const {
  const auto places = static_cast<std::size_t>(cores_);
  if (line_.size() <= places) return std::nullopt;
  std::optional<TimePoint> next;
  for (std::size_t at = 0; at < places; ++at) {
    const Member& member = members_.at(line_[at]);
    if (member.confirmed == 0) continue;
    const TimePoint due = member.holds_since + slice_;
    if (!next || due < *next) next = due;
  }
  return next;
}

std::int32_t ThreadBudget::held(Id id) const {
  const auto found = members_.find(id);
  return found == members_.end() ? 0 : found->second.held();
}

std::int32_t ThreadBudget::held_in_all() const {
  std::int32_t sum = 0;
  for (const auto& [id, member] : members_) sum += member.held();
  return sum;
}

void ThreadBudget::settle() {
  assign_targets();
  shrink();
  grow();
  SEL_CHECK(held_in_all() <= cores_);
  if (wake_ && line_.size() > static_cast<std::size_t>(cores_)) wake_();
}

void ThreadBudget::assign_targets() {
  for (auto& [id, member] : members_) member.target = 0;
  if (line_.empty()) return;
  const auto active = static_cast<std::int32_t>(line_.size());
  const std::int32_t share = cores_ / active;
  if (share == 0) {
    for (std::int32_t at = 0; at < cores_; ++at) {
      members_.at(line_[static_cast<std::size_t>(at)]).target = 1;
    }
    return;
  }
  std::int32_t left = cores_ % active;
  for (const Id id : line_) members_.at(id).target = share;
  for (const bool generates : {true, false}) {
    for (const Id id : line_) {
      Member& member = members_.at(id);
      if (left == 0 || member.generates != generates) continue;
      ++member.target;
      --left;
    }
  }
}

void ThreadBudget::shrink() {
  for (auto& [id, member] : members_) {
    if (!member.pending && member.target < member.confirmed) grant(member, member.target);
  }
}

void ThreadBudget::grow() {
  std::int32_t free = cores_ - held_in_all();
  std::map<Id, std::int32_t> gains;
  // A runner that has no core at all comes before one that would like another.
  for (const bool starved : {true, false}) {
    for (const Id id : line_) {
      const Member& member = members_.at(id);
      std::int32_t& gain = gains[id];
      const std::int32_t wish = member.target - member.confirmed - gain;
      if (free == 0 || member.pending || wish <= 0) continue;
      if (starved && member.confirmed > 0) continue;
      const std::int32_t given = std::min(starved ? 1 : wish, free);
      gain += given;
      free -= given;
    }
  }
  for (const Id id : line_) {
    Member& member = members_.at(id);
    if (gains[id] > 0) grant(member, member.confirmed + gains[id]);
  }
}

void ThreadBudget::grant(Member& member, std::int32_t threads) {
  member.sent = threads;
  member.pending = true;
  member.send(threads);
}

}  // namespace selvedge::inference
