// NearGraph: what is linked when, and how wide to walk.
#include "vectors/near_graph.h"

#include <algorithm>
#include <iterator>
#include <random>
#include <utility>

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
  calibration_.reset();
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

bool NearGraph::encode(const ann::Codes& codes, std::span<const float> row, Slot slot,
                       ann::Quantizer::Scratch& scratch, std::vector<float>& space) const {
  if (slot >= limits::vectors_per_index_max) return false;
  if (!values_in_space(config_.metric, row, space)) return false;
  codes.announce(slot + 1);
  codes.quantizer->encode_quickly(space, scratch, codes.head(slot), codes.rest(slot));
  return true;
}

void NearGraph::link(const Snapshot& snapshot, std::uint64_t position) {
  const SlotLog::Entry entry = snapshot.recent.at(position);
  const Slot slot = entry.slot;
  codes_->announce(snapshot.slot_end);
  graph_->announce(snapshot.slot_end);
  if (slot >= limits::vectors_per_index_max || !bring_to_space(snapshot, slot, values_)) {
    apart_.push_back(entry);
    return;
  }
  // Queries may be reading a code that is there already.
  const RecentCodes& known = snapshot.recent_codes;
  const bool coded = known.codes == codes_ && position >= known.first;
  spare_code_.resize(ann::kBlockBytes + codes_->quantizer->rest_bytes());
  std::uint8_t* const spare = spare_code_.data();
  const double lost =
      codes_->quantizer->encode(values_, scratch_.query, coded ? spare : codes_->head(slot),
                                coded ? spare + ann::kBlockBytes : codes_->rest(slot));
  ++encoded_count_;
  ++uncalibrated_count_;
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

bool NearGraph::calibrate(const Snapshot& snapshot, bool idle, const std::stop_token& stop) {
  if (!calibration_) {
    const std::size_t linked = linked_count();
    const std::size_t enough = idle ? calibrated_count_ / 4 : 2 * calibrated_count_;
    if (linked < rules_.rows_min) return false;
    if (calibrated_count_ > 0 && uncalibrated_count_ <= enough) return false;
    calibration_.emplace(config_.metric, config_.dimensions, linked);
    uncalibrated_count_ = 0;
  }
  if (!calibration_->ask_some(*view(), snapshot, stop)) return false;
  settings_ = calibration_->settings();
  calibrated_count_ = calibration_->linked();
  calibration_.reset();
  publish();
  return true;
}

}  // namespace selvedge::vectors
