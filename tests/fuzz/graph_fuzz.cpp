// Fuzzes saved graphs: any bytes as the sections of one. What is taken for a graph must be walked,
// linked to and mended like any other.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include "ann/quantizer_bytes.h"
#include "base/check.h"
#include "vectors/checkpoint_file.h"
#include "vectors/near_graph.h"
#include "vectors/near_view.h"
#include "vectors/rows.h"
#include "vectors/scan.h"

namespace {

namespace vectors = selvedge::vectors;
namespace ann = selvedge::ann;

constexpr std::size_t kDimensions = 32;
constexpr std::size_t kRows = 12;
constexpr std::size_t kErased = 3;
constexpr std::size_t kSlotsMost = 4'096;
constexpr std::size_t kWidth = 40;

// The next section: its length, two bytes, and the bytes.
std::string take(std::string_view& bytes) {
  if (bytes.size() < 2) return {};
  const std::size_t length =
      static_cast<std::uint8_t>(bytes[0]) + 256U * static_cast<std::uint8_t>(bytes[1]);
  std::string section(bytes.substr(2, length));
  bytes.remove_prefix(std::min(bytes.size(), 2 + length));
  return section;
}

// Codes are the largest part and any bytes do: few are repeated.
std::string repeated(std::string_view few, std::size_t length) {
  std::string bytes(length, '\0');
  for (std::size_t at = 0; at < length && !few.empty(); ++at) bytes[at] = few[at % few.size()];
  return bytes;
}

std::vector<float> values_of(std::size_t row) {
  std::vector<float> values(kDimensions);
  for (std::size_t at = 0; at < values.size(); ++at) {
    values[at] = static_cast<float>((row * 31 + at * 17) % 29) - 14;
  }
  return values;
}

std::shared_ptr<const vectors::CheckpointFile> file_of(std::string_view bytes,
                                                       vectors::Metric metric) {
  static const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("graph-fuzz-" + std::to_string(::getpid()));
  const std::string settings = take(bytes);
  const std::string quantizer = take(bytes);
  const std::string states = take(bytes);
  const std::string rows = take(bytes);
  const auto read = ann::QuantizerBytes::read(
      quantizer,
      metric == vectors::Metric::dot_product ? ann::Space::product : ann::Space::distance,
      kDimensions);
  const std::size_t count = std::min(states.size(), kSlotsMost);
  const std::size_t rest_bytes = read == nullptr ? 0 : read->rest_bytes();
  const std::string heads = repeated(take(bytes), count * ann::kBlockBytes);
  const std::string rests = repeated(take(bytes), count * rest_bytes);
  auto writer = vectors::CheckpointWriter::create(path);
  SEL_CHECK(writer.ok());
  SEL_CHECK(writer->add("graph-settings", settings).ok());
  SEL_CHECK(writer->add("graph-quantizer", quantizer).ok());
  SEL_CHECK(writer->add("graph-states", states).ok());
  SEL_CHECK(writer->add("graph-heads", heads).ok());
  SEL_CHECK(writer->add("graph-rests", rests).ok());
  SEL_CHECK(writer->add("graph-rows", rows).ok());
  const auto identity = writer->finish({1, 2, 1, kDimensions, metric});
  SEL_CHECK(identity.ok());
  const auto file = vectors::CheckpointFile::open(path, *identity);
  SEL_CHECK(file.ok());
  return *file;
}

void walk_it(const vectors::NearGraph& near, const vectors::Snapshot& snapshot,
             vectors::Metric metric) {
  const vectors::PreparedQuery query(metric, values_of(5));
  const auto found = vectors::walk(*near.view(), snapshot, query, kRows, kWidth);
  SEL_CHECK(std::is_sorted(found.begin(), found.end()));
  std::set<vectors::Slot> slots;
  for (const vectors::Candidate& each : found) {
    SEL_CHECK(snapshot.sees(each.slot()));
    SEL_CHECK(slots.insert(each.slot()).second);
  }
}

// As an index goes on after it was opened.
void use(vectors::NearGraph& near, vectors::Rows& rows, vectors::Metric metric) {
  rows.skip_to(near.slot_end());
  const std::vector<bool> held = near.held();
  std::vector<vectors::Slot> dead;
  for (const vectors::Slot slot : rows.take_dead()) {
    if (slot < held.size() && held[slot]) dead.push_back(slot);
  }
  near.bury(dead);
  rows.note_all_recent(held);
  const auto snapshot =
      rows.snapshot({rows.size(), 2, 0}, std::make_shared<const vectors::Properties>());
  walk_it(near, *snapshot, metric);
  const vectors::SlotLog::View& recent = snapshot->recent;
  for (auto at = recent.begin(); at < recent.end(); ++at) {
    const vectors::Slot slot = recent.at(at).slot;
    if (snapshot->sees(slot) && !near.holds(slot)) near.link(*snapshot, at);
  }
  near.publish();
  walk_it(near, *snapshot, metric);
  do {
    near.take_out(1'000);
  } while (near.taking_out());
  near.publish();
  walk_it(near, *snapshot, metric);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto metric = static_cast<vectors::Metric>(data[0] % 3);
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  vectors::Rows rows(kDimensions);
  std::array<vectors::MutationNumber, kRows> born{};
  for (std::size_t row = 0; row < kRows; ++row) {
    rows.put("id " + std::to_string(row), values_of(row), std::nullopt, 1, {});
    born[row] = row == kErased ? 0 : 1;
  }
  rows.erase("id " + std::to_string(kErased), 2);
  vectors::StoredRows stored;
  stored.slot_end = kRows;
  stored.born = born;
  vectors::NearGraph near({kDimensions, metric, ""}, {.rows_min = 4, .dead_min = 0});
  if (near.restore(*file_of(bytes, metric), stored).ok()) {
    use(near, rows, metric);
  } else {
    SEL_CHECK(near.view() == nullptr && !near.trained() && near.slot_end() == 0);
  }
  return 0;
}
