// NearGraph, saving: its sections of a checkpoint, written and read.
#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "ann/quantizer_bytes.h"
#include "base/limits.h"
#include "vectors/byte_reader.h"
#include "vectors/near_graph.h"

namespace selvedge::vectors {
namespace {

constexpr std::string_view kSettings = "graph-settings";
constexpr std::string_view kQuantizer = "graph-quantizer";
constexpr std::string_view kHeads = "graph-heads";
constexpr std::string_view kRests = "graph-rests";
constexpr std::string_view kRows = "graph-rows";
constexpr std::string_view kStates = "graph-states";
// Written before it is asked again whether to stop.
constexpr std::size_t kWrittenAtOnce = 8U << 20;
constexpr std::size_t kWidthMost = 4'096;

Error damaged() { return Error{Code::corrupt_data, "the saved graph does not add up"}; }

Status write_section(CheckpointWriter& writer, std::string_view name, std::string_view bytes,
                     const std::stop_token& stop) {
  SEL_CHECK_OK(writer.begin(name));
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kWrittenAtOnce))) {
    if (stop.stop_requested()) return Error{Code::cancelled, "the checkpoint was cancelled"};
    SEL_CHECK_OK(writer.append(bytes.substr(0, kWrittenAtOnce)));
  }
  return ok_status();
}

// What each linked slot has, and zeros for the others: writers may be making codes for those.
Status write_slots(CheckpointWriter& writer, std::string_view name, const ann::Graph& graph,
                   const std::uint8_t* data, std::size_t bytes_each, const std::stop_token& stop) {
  SEL_CHECK_OK(writer.begin(name));
  std::string some;
  for (Slot slot = 0; slot < graph.slot_end(); ++slot, data += bytes_each) {
    if (graph.linked(slot)) {
      some.append(reinterpret_cast<const char*>(data), bytes_each);
    } else {
      some.append(bytes_each, '\0');
    }
    if (some.size() < kWrittenAtOnce) continue;
    if (stop.stop_requested()) return Error{Code::cancelled, "the checkpoint was cancelled"};
    SEL_CHECK_OK(writer.append(some));
    some.clear();
  }
  return writer.append(some);
}

template <class T>
std::string_view bytes_of(const T* data, std::size_t count) {
  return {reinterpret_cast<const char*>(data), count * sizeof(T)};
}

template <class T>
Status copy_array(const CheckpointFile& file, std::string_view name, std::span<T> into) {
  return file.copy(name, {reinterpret_cast<char*>(into.data()), into.size_bytes()});
}

Result<std::string> copy_text(const CheckpointFile& file, std::string_view name) {
  const auto bytes = file.copied_bytes(name);
  if (!bytes) return Error{Code::not_found, "there is no saved graph"};
  std::string text(*bytes, '\0');
  SEL_CHECK_OK(file.copy(name, text));
  return text;
}

}  // namespace

Status NearGraph::save(CheckpointWriter& writer, const std::stop_token& stop) const {
  if (codes_ == nullptr) return ok_status();
  const std::size_t slot_end = graph_->slot_end();
  const ann::Quantizer& quantizer = *codes_->quantizer;
  std::string settings;
  put_number(settings, static_cast<std::uint64_t>(slot_end));
  put_number(settings, static_cast<std::uint64_t>(trained_count_));
  put_number(settings, static_cast<std::uint64_t>(calibrated_count_));
  put_number(settings, static_cast<std::uint64_t>(uncalibrated_count_));
  put_number(settings, static_cast<std::uint64_t>(encoded_count_));
  put_number(settings, std::bit_cast<std::uint64_t>(lost_share_));
  const auto begun = graph_->entries();
  put_number(settings, static_cast<std::uint32_t>(begun->slots.size()));
  for (const Slot slot : begun->slots) put_number(settings, slot);
  put_number(settings, static_cast<std::uint32_t>(settings_.size()));
  for (const NearView::Setting& each : settings_) {
    put_number(settings, static_cast<std::uint32_t>(each.width));
    put_number(settings, std::bit_cast<std::uint32_t>(each.recall));
    put_number(settings, std::bit_cast<std::uint32_t>(each.recall_of_many));
    put_number(settings, std::bit_cast<std::uint32_t>(each.us));
  }
  put_number(settings, static_cast<std::uint32_t>(apart_.size()));
  for (const SlotLog::Entry& each : apart_) {
    put_number(settings, each.slot);
    put_number(settings, each.born);
  }
  std::string states(slot_end, '\0');
  for (Slot slot = 0; slot < slot_end; ++slot) states[slot] = graph_->linked(slot) ? '\1' : '\0';
  SEL_CHECK_OK(write_section(writer, kSettings, settings, stop));
  SEL_CHECK_OK(write_section(writer, kQuantizer, ann::QuantizerBytes::write(quantizer), stop));
  SEL_CHECK_OK(write_section(writer, kStates, states, stop));
  SEL_CHECK_OK(write_slots(writer, kHeads, *graph_, codes_->heads.data(), ann::kBlockBytes, stop));
  SEL_CHECK_OK(
      write_slots(writer, kRests, *graph_, codes_->rests.data(), quantizer.rest_bytes(), stop));
  const auto rows = graph_->rows().first(slot_end * ann::Graph::kRowNumbers);
  return write_section(writer, kRows, bytes_of(rows.data(), rows.size()), stop);
}

Status NearGraph::restore(const CheckpointFile& file, const StoredRows& rows) {
  auto settings = copy_text(file, kSettings);
  if (!settings.ok()) return std::move(settings.error());
  const std::uint64_t slot_end = ByteReader(*settings).number<std::uint64_t>();
  Status read = slot_end <= limits::vectors_per_index_max
                    ? read_arrays(file, static_cast<std::size_t>(slot_end), *settings)
                    : Status(damaged());
  if (read.ok() && !read_settings(*settings, rows)) read = damaged();
  if (!read.ok()) {
    clear();
    return read;
  }
  publish();
  return ok_status();
}

Status NearGraph::read_arrays(const CheckpointFile& file, std::size_t slot_end,
                              std::string_view settings) {
  SEL_TRY(text, copy_text(file, kQuantizer));
  const ann::Space space =
      config_.metric == Metric::dot_product ? ann::Space::product : ann::Space::distance;
  auto quantizer = ann::QuantizerBytes::read(text, space, config_.dimensions);
  // All lengths are known before anything is reserved by them.
  if (quantizer == nullptr || file.copied_bytes(kStates) != slot_end ||
      file.copied_bytes(kHeads) != slot_end * ann::kBlockBytes ||
      file.copied_bytes(kRests) != slot_end * quantizer->rest_bytes() ||
      file.copied_bytes(kRows) != slot_end * ann::Graph::kRowNumbers * sizeof(std::uint32_t)) {
    return damaged();
  }
  codes_ = std::make_shared<ann::Codes>(std::move(quantizer), limits::vectors_per_index_max);
  codes_->announce(slot_end);
  graph_ = std::make_shared<ann::Graph>(limits::vectors_per_index_max, ann::Graph::Shape{});
  std::vector<std::uint8_t> states(slot_end);
  SEL_CHECK_OK(copy_array(file, kStates, std::span(states)));
  SEL_CHECK_OK(copy_array(file, kHeads, codes_->heads.first(slot_end * ann::kBlockBytes)));
  SEL_CHECK_OK(
      copy_array(file, kRests, codes_->rests.first(slot_end * codes_->quantizer->rest_bytes())));
  SEL_CHECK_OK(copy_array(file, kRows, graph_->rows_to_fill(slot_end)));
  ByteReader reader(settings);
  reader.take(6 * sizeof(std::uint64_t));
  std::vector<Slot> begun;
  for (auto left = reader.number<std::uint32_t>(); left > 0 && reader.sound(); --left) {
    begun.push_back(reader.number<std::uint32_t>());
  }
  if (!reader.sound() || !graph_->restore(*codes_, states, begun)) return damaged();
  return ok_status();
}

bool NearGraph::read_settings(std::string_view settings, const StoredRows& rows) {
  ByteReader reader(settings);
  reader.number<std::uint64_t>();
  trained_count_ = static_cast<std::size_t>(reader.number<std::uint64_t>());
  calibrated_count_ = static_cast<std::size_t>(reader.number<std::uint64_t>());
  uncalibrated_count_ = static_cast<std::size_t>(reader.number<std::uint64_t>());
  encoded_count_ = static_cast<std::size_t>(reader.number<std::uint64_t>());
  lost_share_ = std::bit_cast<double>(reader.number<std::uint64_t>());
  reader.take(std::size_t{reader.number<std::uint32_t>()} * sizeof(Slot));
  for (auto left = reader.number<std::uint32_t>(); left > 0 && reader.sound(); --left) {
    const std::size_t width = reader.number<std::uint32_t>();
    const auto recall = std::bit_cast<float>(reader.number<std::uint32_t>());
    const auto of_many = std::bit_cast<float>(reader.number<std::uint32_t>());
    const auto us = std::bit_cast<float>(reader.number<std::uint32_t>());
    settings_.push_back({width, recall, of_many, us});
    if (width == 0 || width > kWidthMost) return false;
  }
  std::vector<bool> known = held();
  for (auto left = reader.number<std::uint32_t>(); left > 0 && reader.sound(); --left) {
    const Slot slot = reader.number<std::uint32_t>();
    const MutationNumber born = reader.number<std::uint64_t>();
    // A living row whose slot is here must be the one that is meant.
    const bool living = slot < rows.slot_end && rows.born[slot] != 0;
    if (slot >= known.size() || known[slot] || (living && rows.born[slot] != born)) return false;
    known[slot] = true;
    apart_.push_back({slot, born});
  }
  return reader.whole();
}

void NearGraph::clear() {
  codes_ = nullptr;
  graph_ = nullptr;
  apart_.clear();
  settings_.clear();
  trained_count_ = calibrated_count_ = uncalibrated_count_ = encoded_count_ = 0;
  calibration_.reset();
  lost_share_ = 0;
  dead_.clear();
  dying_.clear();
  mended_ = 0;
  const std::lock_guard lock(view_mutex_);
  view_ = nullptr;
}

std::vector<bool> NearGraph::held() const {
  std::vector<bool> held(slot_end());
  for (Slot slot = 0; slot < held.size(); ++slot) held[slot] = graph_->linked(slot);
  for (const SlotLog::Entry& each : apart_) held[each.slot] = true;
  return held;
}

}  // namespace selvedge::vectors
