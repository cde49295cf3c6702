// Fuzzes the checkpoint's reader: any bytes as a file, and any bytes as the sections of a sound
// one.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <unistd.h>

#include "base/check.h"
#include "vectors/checkpoint_file.h"
#include "vectors/checkpoint_rows.h"
#include "vectors/rows.h"

namespace {

namespace vectors = selvedge::vectors;

constexpr std::size_t kDimensions = 16;
constexpr std::array<std::string_view, 9> kNames = {
    "rows",       "free", "born",     "partitions", "inverse-lengths",
    "id-lengths", "ids",  "column-0", "column-1"};

void restore(const vectors::CheckpointFile& file) {
  const auto stored = vectors::read_rows(file, true);
  if (!stored.ok()) return;
  vectors::Rows rows(kDimensions);
  const vectors::SlotGrid grid(kDimensions * sizeof(float));
  rows.restore(*stored, [&grid](std::size_t chunk_at) {
    return vectors::ValueMemory::own(grid.rows_of(chunk_at) * kDimensions, false);
  });
  SEL_CHECK(rows.size() == stored->living_count);
  for (std::size_t at = 0; at < stored->columns.size(); ++at) {
    rows.install_column(vectors::restore_column(rows, *stored, stored->columns[at]), at);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  [[maybe_unused]] const auto raw = vectors::CheckpointFile::read(bytes, std::nullopt);

  // Each section begins with its length, two bytes; the last ones may be missing.
  static const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("checkpoint-fuzz-" + std::to_string(::getpid()));
  auto writer = vectors::CheckpointWriter::create(path);
  SEL_CHECK(writer.ok());
  for (const std::string_view name : kNames) {
    if (bytes.size() < 2) break;
    const std::size_t length =
        static_cast<std::uint8_t>(bytes[0]) + 256U * static_cast<std::uint8_t>(bytes[1]);
    SEL_CHECK(writer->add(name, bytes.substr(2, length)).ok());
    bytes.remove_prefix(std::min(bytes.size(), 2 + length));
  }
  const auto identity = writer->finish({1, 1'000, 1, kDimensions, vectors::Metric::cosine});
  SEL_CHECK(identity.ok());
  const auto file = vectors::CheckpointFile::open(path, *identity);
  SEL_CHECK(file.ok());
  restore(**file);
  return 0;
}
