// NearGraph: the approximate index over the rows of one index.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

#include "ann/graph.h"
#include "ann/quantizer.h"
#include "base/result.h"
#include "vectors/calibration.h"
#include "vectors/checkpoint_file.h"
#include "vectors/index.h"
#include "vectors/near_view.h"
#include "vectors/snapshot.h"
#include "vectors/stored_rows.h"

namespace selvedge::vectors {

// When vectors are searched through a graph, and when what was learned of them is learned anew.
struct NearRules {
  std::size_t rows_min = 5'000;      // Of fewer, every one is looked at.
  std::size_t linked_at_once = 128;  // Before readers are shown and the writer may go on.
  std::size_t dead_min = 512;        // Dead ones are taken out when they are more than this
  std::size_t dead_share = 10;       // and than a tenth of the linked.
};

// Readers take view(). Everything else is for one thread at a time, the linker's; what it is given
// to link, its caller's snapshot sees.
class NearGraph {
 public:
  NearGraph(const IndexConfig& config, NearRules rules);

  const NearRules& rules() const { return rules_; }
  // Null until something was linked.
  std::shared_ptr<const NearView> view() const;

  bool trained() const { return codes_ != nullptr; }
  // Learns the directions of the snapshot's vectors. Stops early, without a result, when asked to.
  void train(const Snapshot& snapshot, const std::stop_token& stop);
  // Whether so much was linked since, or comes out so badly, that it should be learned anew.
  bool outgrown() const;

  // Writes what there is, as sections of a checkpoint. Errors: io, cancelled.
  Status save(CheckpointWriter& writer, const std::stop_token& stop) const;
  // Takes what a checkpoint of these rows has. The graph may hold other slots than those of living
  // rows, and some at or beyond the end of the rows. After an error there is nothing, as after
  // clear(). Errors: not_found (it has none), corrupt_data, io.
  Status restore(const CheckpointFile& file, const StoredRows& rows);
  void clear();
  // As many slots may be held.
  std::size_t slot_end() const { return graph_ == nullptr ? 0 : graph_->slot_end(); }
  // Of every slot below that: holds().
  std::vector<bool> held() const;

  // Writes the code of a row that is not linked yet; `space` is for its making. False: codes cannot
  // hold it. Any thread, one at a time a slot.
  bool encode(const ann::Codes& codes, std::span<const float> row, Slot slot,
              ann::Quantizer::Scratch& scratch, std::vector<float>& space) const;
  // Makes the row at this position of the snapshot's recent ones reachable. Rows that cannot be are
  // kept apart.
  void link(const Snapshot& snapshot, std::uint64_t position);
  // Whether the graph or the list of those apart holds the slot.
  bool holds(Slot slot) const;
  // Shows readers what was linked.
  void publish();
  // Does a part of measuring which width finds what, when that is due: when twice as many
  // were linked since as there were, or a quarter where nothing else is to be done. True: that was
  // the last part.
  bool calibrate(const Snapshot& snapshot, bool idle, const std::stop_token& stop);
  bool calibrating() const { return calibration_.has_value(); }

  // Rows that ended and are held(). They are kept in mind until they are taken out.
  void bury(std::span<const Slot> slots);
  std::size_t dead_count() const { return dead_.size() + dying_.size(); }
  // Does a part of taking out the dead, when they are many. Returns those to which nothing points
  // any more, at last.
  std::vector<Slot> take_out(std::size_t rows);
  bool taking_out() const { return !dying_.empty(); }

  std::size_t linked_count() const { return graph_ == nullptr ? 0 : graph_->linked_count(); }

 private:
  void encode_all(const Snapshot& snapshot, const std::stop_token& stop);
  Status read_arrays(const CheckpointFile& file, std::size_t slot_end, std::string_view settings);
  bool read_settings(std::string_view settings, const StoredRows& rows);
  std::vector<Slot> dying_in_graph() const;
  bool bring_to_space(const Snapshot& snapshot, Slot slot, std::vector<float>& values) const {
    return values_in_space(config_.metric, config_.dimensions, snapshot, slot, values);
  }

  const IndexConfig config_;
  const NearRules rules_;
  std::shared_ptr<ann::Codes> codes_;
  std::shared_ptr<ann::Graph> graph_;
  ann::Graph::Scratch scratch_;
  std::vector<float> values_;
  std::vector<std::uint8_t> spare_code_;
  std::vector<SlotLog::Entry> apart_;
  std::shared_ptr<ScratchPool> scratches_ = std::make_shared<ScratchPool>();
  std::vector<NearView::Setting> settings_;
  std::size_t trained_count_ = 0;           // Linked when it was learned.
  std::size_t calibrated_count_ = 0;        // Linked when it was measured; 0: not with these codes.
  std::size_t uncalibrated_count_ = 0;      // Linked since.
  std::optional<Calibration> calibration_;  // Under way.
  double lost_share_ = 0;                   // Of those encoded since, a moving average.
  std::size_t encoded_count_ = 0;           // Since it was learned.

  std::vector<Slot> dead_;   // Ended, the graph holds them.
  std::vector<Slot> dying_;  // Those being taken out.
  Slot mended_ = 0;          // Rows below were mended.

  mutable std::mutex view_mutex_;  // Guards the pointer.
  std::shared_ptr<const NearView> view_;
};

}  // namespace selvedge::vectors
