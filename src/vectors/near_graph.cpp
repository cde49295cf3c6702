// NearGraph: what is linked when, and how wide to walk.
#include "vectors/near_graph.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <iterator>
#include <random>
#include <utility>

#include "ann/lanes.h"
#include "base/limits.h"

namespace selvedge::vectors {
namespace {

// The share of the variance that codes hold; more makes them longer than it makes them better.
constexpr double kEnergy = 0.92;
constexpr std::size_t kSampleRows = 8'192;
// Up to here it is learned anew whenever there are four times as many.
constexpr std::size_t kOftenTrained = 100'000;
// A newer vector may lose so much more than those it was learned from.
constexpr double kLostMore = 0.03;
constexpr std::size_t kEncodedToJudge = 2'000;
constexpr std::size_t kAsked = 200;
constexpr float kWay = 0.3F;
constexpr float kFartherWay = 0.4F;
constexpr std::size_t kFartherEach = 7;
constexpr std::size_t kAskedTop = 10;
constexpr std::size_t kTrueWidth = 600;
constexpr std::array<std::size_t, 22> kWidths = {
    10, 12, 14, 16, 18, 20, 24, 28, 32, 40, 48, 56, 64, 80, 100, 128, 160, 200, 256, 320, 400, 512};

ann::Space space_of(Metric metric) {
  return metric == Metric::dot_product ? ann::Space::product : ann::Space::distance;
}

}  // namespace

NearGraph::NearGraph(const IndexConfig& config, NearRules rules)
    : config_(config), rules_(rules), values_(config.dimensions) {}

std::shared_ptr<const NearView> NearGraph::view() const {
  const std::lock_guard lock(view_mutex_);
  return view_;
}

bool NearGraph::bring_to_space(const Snapshot& snapshot, Slot slot,
                               std::vector<float>& values) const {
  const Place at = snapshot.place(slot);
  const auto row = at.chunk().values(at.row, config_.dimensions);
  const auto squares = ann::squared_length<double>(row);
  if (!fits_codes(squares)) return false;
  const float scale =
      config_.metric == Metric::cosine ? static_cast<float>(1 / std::sqrt(squares)) : 1.0F;
  values.resize(row.size());
  for (std::size_t dimension = 0; dimension < row.size(); ++dimension) {
    values[dimension] = row[dimension] * scale;
  }
  return true;
}

void NearGraph::train(const Snapshot& snapshot, const std::stop_token& stop) {
  std::vector<float> sample;
  sample.reserve(std::min(kSampleRows, snapshot.slot_end) * config_.dimensions);
  std::mt19937_64 random(snapshot.slot_end);
  // Rows that are gone make way for the next ones; a little more is drawn than needed.
  for (std::size_t drawn = 0;
       drawn < 2 * kSampleRows && sample.size() < kSampleRows * config_.dimensions; ++drawn) {
    if (drawn % 1'024 == 0 && stop.stop_requested()) return;
    const auto slot = static_cast<Slot>(random() % snapshot.slot_end);
    if (!snapshot.sees(slot) || !bring_to_space(snapshot, slot, values_)) continue;
    sample.insert(sample.end(), values_.begin(), values_.end());
  }
  if (sample.empty()) return;
  auto quantizer =
      ann::Quantizer::train(space_of(config_.metric), config_.dimensions, sample, kEnergy);
  auto codes = std::make_shared<ann::Codes>(std::move(quantizer), limits::vectors_per_index_max);
  codes->announce(snapshot.slot_end);
  std::swap(codes_, codes);
  if (graph_ == nullptr) {
    graph_ = std::make_shared<ann::Graph>(limits::vectors_per_index_max, ann::Graph::Shape{});
  } else {
    encode_all(snapshot, stop);
    if (stop.stop_requested()) {
      codes_ = std::move(codes);  // Half is worse than old.
      return;
    }
    graph_->renew_entries(*codes_);
  }
  trained_count_ = linked_count();
  lost_share_ = codes_->quantizer->lost_share();
  encoded_count_ = 0;
  calibrated_count_ = 0;
  publish();
}

// Rows of the dead, too: nobody writes to them before they are taken out.
void NearGraph::encode_all(const Snapshot& snapshot, const std::stop_token& stop) {
  for (Slot slot = 0; slot < graph_->slot_end(); ++slot) {
    if (slot % 1'024 == 0 && stop.stop_requested()) return;
    if (!graph_->linked(slot) || !bring_to_space(snapshot, slot, values_)) continue;
    codes_->quantizer->encode(values_, scratch_.query, codes_->head(slot), codes_->rest(slot));
  }
}

bool NearGraph::outgrown() const {
  if (codes_ == nullptr) return true;
  const std::size_t linked = linked_count();
  if (trained_count_ < kOftenTrained && linked > 4 * std::max(trained_count_, rules_.rows_min)) {
    return true;
  }
  return encoded_count_ > std::max(kEncodedToJudge, linked / 10) &&
         lost_share_ > codes_->quantizer->lost_share() + kLostMore;
}

void NearGraph::link(const Snapshot& snapshot, SlotLog::Entry entry) {
  const Slot slot = entry.slot;
  codes_->announce(snapshot.slot_end);
  graph_->announce(snapshot.slot_end);
  if (!bring_to_space(snapshot, slot, values_)) {
    apart_.push_back(entry);
    return;
  }
  const double lost =
      codes_->quantizer->encode(values_, scratch_.query, codes_->head(slot), codes_->rest(slot));
  ++encoded_count_;
  lost_share_ += (lost - lost_share_) /
                 static_cast<double>(std::min<std::size_t>(encoded_count_, kEncodedToJudge));
  graph_->link(*codes_, slot, codes_->quantizer->coordinate_query(scratch_.query), scratch_);
}

bool NearGraph::holds(Slot slot) const {
  if (graph_ != nullptr && graph_->linked(slot)) return true;
  return std::any_of(apart_.begin(), apart_.end(),
                     [slot](const SlotLog::Entry& each) { return each.slot == slot; });
}

void NearGraph::publish() {
  auto next = std::make_shared<NearView>();
  next->codes = codes_;
  next->graph = graph_;
  next->settings = settings_;
  next->scratches = scratches_;
  next->apart = std::make_shared<const std::vector<SlotLog::Entry>>(apart_);
  std::shared_ptr<const NearView> shown = std::move(next);
  const std::lock_guard lock(view_mutex_);
  view_.swap(shown);
}

void NearGraph::bury(std::span<const Slot> slots) {
  dead_.insert(dead_.end(), slots.begin(), slots.end());
}

// Those of the dying that are not kept apart.
std::vector<Slot> NearGraph::dying_in_graph() const {
  std::vector<Slot> slots;
  std::copy_if(dying_.begin(), dying_.end(), std::back_inserter(slots),
               [this](Slot slot) { return graph_->linked(slot); });
  return slots;
}

std::vector<Slot> NearGraph::take_out(std::size_t rows) {
  if (dying_.empty()) {
    if (dead_.size() <= std::max(rules_.dead_min, linked_count() / rules_.dead_share)) return {};
    dying_ = std::exchange(dead_, {});
    graph_->mark_dying(dying_in_graph());
    mended_ = 0;
  }
  const auto end = static_cast<Slot>(std::min(graph_->slot_end(), mended_ + rows));
  graph_->mend_rows(*codes_, mended_, end, scratch_);
  mended_ = end;
  if (mended_ < graph_->slot_end()) return {};
  graph_->forget(*codes_, dying_in_graph());
  std::sort(dying_.begin(), dying_.end());
  std::erase_if(apart_, [this](const SlotLog::Entry& each) {
    return std::binary_search(dying_.begin(), dying_.end(), each.slot);
  });
  publish();
  return std::exchange(dying_, {});
}

// Asked for are points a third of the way from a vector to any other: from there several are about
// equally near, and none is very near, as it is between a question and the texts that answer it.
// How far was chosen so that widths find in the benchmark's vectors what they find for its
// questions, which are of other pages (docs/benchmarks.md).
void NearGraph::calibrate(const Snapshot& snapshot, const std::stop_token& stop) {
  const std::size_t linked = linked_count();
  if (linked < rules_.rows_min || linked < 2 * calibrated_count_) return;
  publish();
  const auto seen = view();
  std::vector<std::size_t> found(kWidths.size());
  std::vector<std::chrono::duration<float, std::micro>> took(kWidths.size());
  std::size_t asked = 0;
  std::mt19937_64 random(linked);
  for (std::size_t drawn = 0; drawn < 8 * kAsked && asked < kAsked; ++drawn) {
    if (stop.stop_requested()) return;
    const auto slot = static_cast<Slot>(random() % snapshot.slot_end);
    if (!snapshot.sees(slot) || !graph_->linked(slot)) continue;
    std::vector<float> point;
    if (!bring_to_space(snapshot, slot, point)) continue;
    const auto far = static_cast<Slot>(random() % snapshot.slot_end);
    std::vector<float> other;
    if (!snapshot.sees(far) || !bring_to_space(snapshot, far, other)) continue;
    const float way = drawn % kFartherEach == 0 ? kFartherWay : kWay;
    for (std::size_t at = 0; at < point.size(); ++at) point[at] += way * (other[at] - point[at]);
    const PreparedQuery query(config_.metric, point);
    const auto truth = walk(*seen, snapshot, query, kAskedTop, kTrueWidth);
    if (truth.size() < kAskedTop) continue;
    ++asked;
    for (std::size_t at = 0; at < kWidths.size(); ++at) {
      const auto begun = std::chrono::steady_clock::now();
      const auto walked = walk(*seen, snapshot, query, kAskedTop, kWidths[at]);
      took[at] += std::chrono::steady_clock::now() - begun;
      for (const Candidate& each : walked) {
        found[at] +=
            std::any_of(truth.begin(), truth.end(),
                        [&each](const Candidate& right) { return right.slot() == each.slot(); })
                ? 1U
                : 0U;
      }
    }
  }
  if (asked == 0) return;
  settings_.clear();
  float best = 0;
  for (std::size_t at = 0; at < kWidths.size(); ++at) {
    best = std::max(best, static_cast<float>(found[at]) / static_cast<float>(asked * kAskedTop));
    settings_.push_back({kWidths[at], best, took[at].count() / static_cast<float>(asked)});
  }
  calibrated_count_ = linked;
  publish();
}

}  // namespace selvedge::vectors
