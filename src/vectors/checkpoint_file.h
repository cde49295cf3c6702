// Checkpoint file: named sections of bytes behind one checked header. Format:
// docs/formats/checkpoint.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
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

// A file that was opened and verified whole. Thread-safe.
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
  // Empty when there is none of this name; good as long as the file. Begins at a multiple of
  // kSectionAlignment in memory when the file was opened.
  std::optional<std::string_view> section(std::string_view name) const;

 private:
  Status parse(std::string_view bytes, std::optional<std::uint64_t> identity);
  Status parse_table(std::string_view bytes, std::string_view table, std::uint64_t sections);

  std::shared_ptr<const Mapping> mapping_;
  CheckpointHeader header_;
  std::map<std::string, std::string_view, std::less<>> sections_;
};

}  // namespace selvedge::vectors
