// ThreadPace: smoothed times of two ways, and when to try the other one.
#include "engines/thread_pace.h"

#include <algorithm>

namespace selvedge::engines {
namespace {

constexpr double kSmoothing = 0.3;
constexpr int kFirstBatches = 2;  // Of each way, before they are compared.
constexpr int kProbeIntervalMin = 32;
constexpr int kProbeIntervalMax = 256;
// Reading a prompt is where more threads always help, unless the cores are taken: then it gets this
// much slower than it once was.
constexpr double kDegraded = 1.5;
constexpr std::size_t kLargeClass = 3;

}  // namespace

std::size_t ThreadPace::size_class(std::size_t tokens) {
  if (tokens <= 1) return 0;
  if (tokens <= 3) return 1;
  return tokens <= 16 ? 2 : kLargeClass;
}

bool ThreadPace::team_is_faster(const Size& size) {
  if (size.single.batches == 0) return true;
  if (size.team.batches == 0) return false;
  return size.team.seconds_per_token <= size.single.seconds_per_token;
}

void ThreadPace::grant(std::int32_t threads) {
  granted_ = std::max(threads, 1);
  sizes_ = {};
}

std::int32_t ThreadPace::threads_for(std::size_t tokens, bool may_probe) const {
  if (granted_ == 1) return 1;
  const std::size_t at = size_class(tokens);
  const Size& size = sizes_[at];
  if (size.team.batches < kFirstBatches) return granted_;
  const bool probe_single =
      at == kLargeClass
          ? size.single.batches == 0 && size.team.seconds_per_token > kDegraded * size.team.best
          : size.single.batches < kFirstBatches;
  if (probe_single) return 1;
  const bool probe = may_probe && size.single.batches > 0 && size.until_probe <= 0;
  return team_is_faster(size) != probe ? granted_ : 1;
}

void ThreadPace::record(std::size_t tokens, std::int32_t threads, double seconds) {
  if (granted_ == 1 || tokens == 0) return;
  Size& size = sizes_[size_class(tokens)];
  const bool was_team_faster = team_is_faster(size);
  const bool team = threads > 1;
  Way& way = team ? size.team : size.single;
  const double per_token = seconds / static_cast<double>(tokens);
  // What is known of the way not taken is old: the new figure stands for itself. So does a second
  // batch, since the first pays for waking threads and touching memory.
  const bool stands = way.batches < kFirstBatches || team != was_team_faster;
  way.seconds_per_token =
      stands ? per_token : way.seconds_per_token + kSmoothing * (per_token - way.seconds_per_token);
  way.best = way.best == 0 ? per_token : std::min(way.best, per_token);
  ++way.batches;
  if (size.until_probe > 0) --size.until_probe;
  if (team_is_faster(size) != was_team_faster) {
    size.probe_interval = kProbeIntervalMin;
    size.until_probe = size.probe_interval;
  } else if (size.until_probe == 0) {
    // The interval begins with the batch that was tried.
    if (team == was_team_faster && size.probe_interval != 0) return;
    size.probe_interval = std::clamp(size.probe_interval * 2, kProbeIntervalMin, kProbeIntervalMax);
    size.until_probe = size.probe_interval;
  }
}

}  // namespace selvedge::engines
