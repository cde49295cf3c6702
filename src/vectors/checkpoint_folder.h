// Checkpoint folder: the derived files of one index, in generations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "vectors/checkpoint_file.h"
#include "vectors/chunk.h"
#include "vectors/derived_file.h"
#include "vectors/layout.h"
#include "vectors/slot_grid.h"
#include "vectors/snapshot.h"

namespace selvedge::vectors {

// What a checkpoint is written from: taken at one moment under the writer's mutex.
struct CheckpointContent {
  std::shared_ptr<const Snapshot> snapshot;
  std::vector<Slot> free;              // Slots to which nothing points.
  std::vector<MutationNumber> filled;  // Rows::filled().
  bool with_properties = false;        // Whether there is a reader of metadata.
  // Sections of others, whose bytes this layer does not know; may be null.
  std::function<Status(CheckpointWriter&)> add_sections;
};

// A span is as many slots as the largest chunk has; the values of each span are one file, which is
// mapped back, and written again only when a slot of it was filled since. Everything else is in one
// file of each generation. Which generation counts is told by the database, so that files that are
// older or newer than it are never taken for its own. Not thread-safe.
class CheckpointFolder {
 public:
  CheckpointFolder(std::filesystem::path folder, std::uint64_t serial, const IndexConfig& config);

  // Writes the next generation and syncs it. It counts once its name is in the database and
  // accept() was called; until then the one before does. Errors: io, cancelled.
  Result<layout::Checkpoint> write(const CheckpointContent& content, const std::stop_token& stop);
  // Of the last generation written; removes the files of all others.
  void accept();

  // Reads the generation that counts. Errors: corrupt_data, io, not_found.
  Result<std::shared_ptr<const CheckpointFile>> open(const layout::Checkpoint& checkpoint);
  // Maps the values of all spans of the opened generation. A file that is not there, or of a wrong
  // length, is replaced by zeros, and all its blocks are damaged.
  Status map_values();
  // Memory of a chunk that has filled slots.
  ValueMemory values(std::size_t chunk_at) const;

  // Of the opened generation; 0 spans when none is.
  std::size_t mapped_spans() const { return mappings_.size(); }
  // Whether the span's file was not usable.
  bool missing(std::size_t span) const { return missing_[span]; }
  // What the files of values failed to give when they were read. Thread-safe, as are lost_blocks()
  // and block(), once the values are mapped.
  const LossCount& losses() const { return *losses_; }
  // Blocks of kChecksumBlockBytes that have such pages, which read as zeros.
  std::vector<std::size_t> lost_blocks(std::size_t span) const;
  // In the memory of the slot's span.
  std::size_t offset_of(Slot slot) const { return slot % grid_.rows_max() * row_bytes_; }
  std::size_t mapped_bytes() const;
  // Blocks of kChecksumBlockBytes of the span's file whose bytes are not those that were written.
  std::vector<std::size_t> damaged_blocks(std::size_t span) const;
  // What a block holds: slots first…end, some of them in part.
  struct Block {
    Slot first = 0;
    Slot end = 0;
    std::size_t span = 0;
    std::size_t offset = 0;  // In the span's memory.
    std::size_t bytes = 0;
    const Mapping* mapping = nullptr;
  };
  Block block(std::size_t span, std::size_t block_at) const;
  // The file is written anew with the next generation.
  void spoil(std::size_t span) { files_[span].generation = 0; }
  bool spoiled(std::size_t span) const { return files_[span].generation == 0; }
  // So are those that failed to give something.
  void spoil_lost();

  // Removes all files; what is mapped stays mapped until the last holder goes, and the next
  // generation writes all values.
  void forget();
  // The same, and lets go of what is mapped.
  void clear();

 private:
  struct ValuesFile {
    std::uint64_t generation = 0;  // Of the name; 0: none that may be used again.
    MutationNumber as_of = 0;      // The snapshot it was written from.
    std::uint32_t rows = 0;
    std::vector<std::uint64_t> checksums;  // Of `rows` rows.
  };

  Result<layout::Checkpoint> write_generation(const CheckpointContent& content,
                                              const std::stop_token& stop);
  // Removes all files that the accepted generation does not use.
  void remove_others() const;
  std::filesystem::path checkpoint_path(std::uint64_t generation) const;
  std::filesystem::path values_path(std::size_t span, std::uint64_t generation) const;
  // Rows of the span that its chunks have room for, when slots below `slot_end` were filled.
  std::size_t rows_with_room(std::size_t span, std::size_t slot_end) const;
  Result<ValuesFile> write_values(const Snapshot& snapshot, std::size_t span,
                                  std::uint64_t generation, const std::stop_token& stop) const;
  static std::string encode(const std::vector<ValuesFile>& files);
  Result<std::vector<ValuesFile>> decode(std::string_view bytes, std::size_t slot_end) const;

  const std::filesystem::path folder_;
  const std::uint64_t serial_;
  const IndexConfig config_;
  const std::size_t row_bytes_;
  const SlotGrid grid_;

  std::uint64_t generation_ = 0;  // The last one used.
  std::uint64_t accepted_ = 0;    // The one that counts; 0: none.
  std::size_t slot_end_ = 0;      // Of the opened generation.
  std::vector<ValuesFile> files_;
  std::vector<std::shared_ptr<const Mapping>> mappings_;
  std::vector<bool> missing_;       // Spans whose file was not usable.
  std::vector<bool> lost_spoiled_;  // Spans of which spoil_lost() knows.
  const std::shared_ptr<LossCount> losses_ = std::make_shared<LossCount>();
  std::uint64_t written_ = 0;  // Not yet accepted.
  std::vector<ValuesFile> written_files_;
};

}  // namespace selvedge::vectors
