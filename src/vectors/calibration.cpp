// Calibration: the questions, their truth, and what may be promised by what was measured.
#include "vectors/calibration.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <ctime>
#include <numeric>

namespace selvedge::vectors {
namespace {

constexpr std::size_t kAsked = 240;
constexpr auto kPart = std::chrono::milliseconds(30);
// A question is made of so many vectors, which are no more than such a share of all.
constexpr std::size_t kNearMost = 400;
constexpr std::size_t kNearLeast = 20;
constexpr std::size_t kNearShare = 20;
// By their codes so many are taken, and compared exactly; those hold the hundred nearest, also of
// vectors at random, between which codes tell least (calibration_test.cpp).
constexpr std::size_t kListed = 1'000;
constexpr std::array<std::size_t, 28> kWidths = {
    10,  12,  14,  16,  18,  20,  24,  28,  32,  40,  48,    56,    64,    80,
    100, 128, 160, 200, 256, 320, 400, 512, 640, 800, 1'024, 1'280, 1'600, 2'048};
// Wider walks are asked fewer questions: they take long, and what they miss is rare.
constexpr std::size_t kCheapWidth = 256;
constexpr std::size_t kDearEach = 4;
// Nor is anything gained by a walk that is wider than such a share of the vectors.
constexpr std::size_t kWidthShare = 4;
// A walk that found everything at so many widths in a row does so at wider ones.
constexpr std::size_t kWholeInARow = 2;
// What is promised has so many standard errors less than what was found, and of the misses that
// leaves a fifth is kept back.
constexpr double kErrors = 1;
constexpr double kMissesPromised = 0.8;

double thread_us() {
  std::timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
}

std::size_t width_count(std::size_t linked) {
  return static_cast<std::size_t>(
      std::upper_bound(kWidths.begin(), kWidths.end(), linked / kWidthShare) - kWidths.begin());
}

std::vector<Slot> linked_slots(const NearView& view, const Snapshot& snapshot) {
  std::vector<Slot> slots;
  const std::size_t end = std::min(view.graph->slot_end(), snapshot.slot_end);
  for (Slot slot = 0; slot < end; ++slot) {
    if (view.graph->linked(slot) && snapshot.sees(slot)) slots.push_back(slot);
  }
  return slots;
}

// What a walk found of the nearest ones, by key: of equally near ones any will do.
double share(std::span<const Candidate> walked, std::span<const Candidate> nearest) {
  const float last = nearest.back().key;
  const auto right = std::count_if(walked.begin(), walked.end(),
                                   [last](const Candidate& each) { return each.key <= last; });
  return static_cast<double>(right) / static_cast<double>(nearest.size());
}

}  // namespace

Calibration::Calibration(Metric metric, std::size_t dimensions, std::size_t linked)
    : metric_(metric),
      dimensions_(dimensions),
      linked_(linked),
      random_(linked),
      widths_(width_count(linked)) {}

bool Calibration::ask_some(const NearView& view, const Snapshot& snapshot,
                           const std::stop_token& stop) {
  const auto until = std::chrono::steady_clock::now() + kPart;
  const std::vector<Slot> linked = linked_slots(view, snapshot);
  std::vector<float> question;
  do {
    if (stop.stop_requested()) return false;
    if (linked.empty() || drawn_ == kAsked) return true;
    ++drawn_;
    if (draw(view, snapshot, linked, question)) ask(view, snapshot, linked, question);
  } while (std::chrono::steady_clock::now() < until);
  return drawn_ == kAsked;
}

// Asked for is a vector such as might come next: anywhere around the middle of a vector's near
// ones, spread as they are. A point between two vectors would be nearer to both than what is not in
// the index is to its nearest, and so be found more easily, or lie between two clusters. Measured
// with hnswlib over vectors alike in every direction and over the benchmark's texts: made of 400
// near ones, questions are found as those that the index has not seen; of texts, those made of 200
// more easily. Where clusters are smaller than that, they are harder, and walks wider than they
// must be.
bool Calibration::draw(const NearView& view, const Snapshot& snapshot, std::span<const Slot> linked,
                       std::vector<float>& question) {
  const Slot any = linked[random_() % linked.size()];
  if (!values_in_space(metric_, dimensions_, snapshot, any, question)) return false;
  const std::size_t count = std::clamp(linked.size() / kNearShare, kNearLeast, kNearMost);
  const auto near = nearest_by_codes(view, snapshot, PreparedQuery(metric_, question), count,
                                     count + count / 4, linked);
  // With weights of a mean of 1 / n each and a deviation of 1 / √n around it, less what those sum
  // up to, the sum of all is their middle and a step of their own spread.
  std::vector<float> weights(near.size());
  std::normal_distribution<float> normal;
  for (float& weight : weights) weight = normal(random_);
  const auto size = static_cast<float>(weights.size());
  const float mean = std::accumulate(weights.begin(), weights.end(), 0.0F) / size;
  question.assign(dimensions_, 0);
  std::vector<float> values;
  for (std::size_t at = 0; at < near.size(); ++at) {
    if (!values_in_space(metric_, dimensions_, snapshot, near[at].slot(), values)) return false;
    const float weight = 1 / size + (weights[at] - mean) / std::sqrt(size);
    for (std::size_t each = 0; each < values.size(); ++each) {
      question[each] += weight * values[each];
    }
  }
  return true;
}

void Calibration::ask(const NearView& view, const Snapshot& snapshot, std::span<const Slot> linked,
                      std::span<const float> question) {
  const PreparedQuery query(metric_, question);
  const auto nearest = nearest_by_codes(view, snapshot, query, NearView::kMany, kListed, linked);
  const std::span<const Candidate> many = nearest;
  const auto few = many.first(std::min(many.size(), NearView::kFew));
  std::size_t whole = 0;
  for (std::size_t at = 0; at < widths_.size(); ++at) {
    if (kWidths[at] > kCheapWidth && drawn_ % kDearEach != 0) return;
    Width& width = widths_[at];
    if (whole == kWholeInARow) {
      width.few.add(1);
      width.many.add(1);
      continue;
    }
    const double begun = thread_us();
    const auto walked = walk(view, snapshot, query, NearView::kFew, kWidths[at]);
    width.us += thread_us() - begun;
    ++width.walks;
    const double found = share(walked, few);
    width.few.add(found);
    if (kWidths[at] < NearView::kMany) continue;
    const double found_of_many =
        share(walk(view, snapshot, query, NearView::kMany, kWidths[at]), many);
    width.many.add(found_of_many);
    whole = found == 1 && found_of_many == 1 ? whole + 1 : 0;
  }
}

float Calibration::Shares::promised(std::size_t matches) const {
  if (asked == 0) return 0;
  const double mean = sum / asked;
  const double variance = std::max(0.0, squares / asked - mean * mean);
  // As if one match more had been missed: that none was does not say that none ever will be.
  const double missed = 1 - mean + 1 / (asked * static_cast<double>(matches));
  const double most = missed + kErrors * std::sqrt(variance / asked);
  return static_cast<float>(std::max(0.0, 1 - most / kMissesPromised));
}

std::vector<NearView::Setting> Calibration::settings() const {
  std::vector<NearView::Setting> settings;
  NearView::Setting setting;
  for (std::size_t at = 0; at < widths_.size() && widths_[at].walks > 0; ++at) {
    const Width& width = widths_[at];
    setting.width = kWidths[at];
    setting.recall = std::max(setting.recall, width.few.promised(NearView::kFew));
    setting.recall_of_many = std::max(setting.recall_of_many, width.many.promised(NearView::kMany));
    setting.us = static_cast<float>(width.us / static_cast<double>(width.walks));
    settings.push_back(setting);
  }
  return settings;
}

}  // namespace selvedge::vectors
