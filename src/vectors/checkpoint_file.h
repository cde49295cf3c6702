// Checkpoint file: named sections of bytes behind one checked header. Format:
// docs/formats/checkpoint.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "vectors/derived_file.h"
#include "vectors/index.h"

namespace selvedge::vectors {

// What a file says of itself.
struct CheckpointHeader {
  std::uint64_t serial = 0;  // Of the index.
  MutationNumber mutation = 0;
  std::uint64_t generation = 0;
  std::uint32_t dimensions = 0;
  Metric metric = Metric::cosine;
};

// Sections begin at multiples of this, so that they can be mapped and hold numbers of any width.
inline constexpr std::size_t kSectionAlignment = 4'096;

// Sections whose names begin so are copied into memory of the reader's own and verified on the way;
// the others are verified when the file is opened, and borrowed.
inline constexpr std::string_view kCopiedSections = "graph-";

// Writes one file, section after section. Errors: io. What is not finished does not open.
class CheckpointWriter {
 public:
  static Result<CheckpointWriter> create(const std::filesystem::path& path);

  // Begins a section; names are different from each other. What is appended until the next one is
  // its content.
  Status begin(std::string_view name);
  Status append(std::string_view bytes);
  Status add(std::string_view name, std::string_view bytes) {
    SEL_CHECK_OK(begin(name));
    return append(bytes);
  }
  // Writes table and header and syncs; the file's identity: no other content has the same.
  Result<std::uint64_t> finish(const CheckpointHeader& header);

 private:
  struct Section {
    std::string name;
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
    std::vector<std::uint64_t> checksums;
  };
  explicit CheckpointWriter(DerivedFile file) : file_(std::move(file)) {}
  Status end();

  DerivedFile file_;
  std::vector<Section> sections_;
  std::string block_;  // What no checksum covers yet.
};

// A file that was opened and verified, but for the sections that are copied. Thread-safe.
class CheckpointFile {
 public:
  // Errors: corrupt_data (damaged, of another version or, when `identity` is given, another file),
  // io, not_found.
  static Result<std::shared_ptr<const CheckpointFile>> open(const std::filesystem::path& path,
                                                            std::optional<std::uint64_t> identity);
  // The same of bytes in memory, which are borrowed: for tests of the format.
  static Result<std::shared_ptr<const CheckpointFile>> read(std::string_view bytes,
                                                            std::optional<std::uint64_t> identity);

  CheckpointFile() = default;

  const CheckpointHeader& header() const { return header_; }
  // False: since it was verified the disk failed to give some of it, which reads as zeros.
  bool whole() const { return mapping_ == nullptr || !mapping_->lost().ever(); }
  // Empty when there is none of this name; good as long as the file. Begins at a multiple of
  // kSectionAlignment in memory when the file was opened. Not of sections that are copied.
  std::optional<std::string_view> section(std::string_view name) const;

  // Of a section that is copied; empty when there is none of this name.
  std::optional<std::size_t> copied_bytes(std::string_view name) const;
  // Reads it from the disk without a mapping, while the file has its name. `into` has its size.
  // Errors: corrupt_data, io, not_found.
  Status copy(std::string_view name, std::span<char> into) const;

 private:
  Status parse(std::string_view bytes, std::optional<std::uint64_t> identity);
  Status parse_table(std::string_view bytes, std::string_view table, std::uint64_t sections);

  struct Copied {
    std::string_view content;
    std::uint64_t offset = 0;
    std::vector<std::uint64_t> checksums;
  };

  std::shared_ptr<const Mapping> mapping_;
  std::filesystem::path path_;  // Empty: of bytes in memory.
  CheckpointHeader header_;
  std::map<std::string, std::string_view, std::less<>> sections_;
  std::map<std::string, Copied, std::less<>> copied_;
};

}  // namespace selvedge::vectors
