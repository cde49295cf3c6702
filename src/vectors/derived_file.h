// Derived files: written from front to back and synced, read through a mapping.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "vectors/lost_pages.h"

namespace selvedge::vectors {

// Checksums of derived files are XXH3-64, one for each 1 MiB of bytes and one for the rest.
inline constexpr std::size_t kChecksumBlockBytes = 1U << 20;
std::uint64_t checksum(std::string_view bytes);
std::vector<std::uint64_t> block_checksums(std::string_view bytes);

// A new file. What is there under its name is replaced when it is created. Errors: io, with the
// file's name.
class DerivedFile {
 public:
  static Result<DerivedFile> create(const std::filesystem::path& path);
  DerivedFile(DerivedFile&& other) noexcept;
  DerivedFile& operator=(DerivedFile&&) = delete;
  ~DerivedFile();

  Status append(std::string_view bytes);
  std::uint64_t size() const { return size_; }
  // Appends zeros up to a multiple of `alignment`.
  Status align(std::size_t alignment);
  Status write_at(std::uint64_t offset, std::string_view bytes);
  // Lengthens the file by a hole that reads as zeros.
  Status extend_to(std::uint64_t bytes);
  Status sync();

 private:
  DerivedFile(int file, std::filesystem::path path);
  int file_;
  std::filesystem::path path_;
  std::uint64_t size_ = 0;
};

// Makes what was created, renamed or removed in the folder last. Errors: io.
Status sync_folder(const std::filesystem::path& folder);

// A file in memory; gone with the last owner. What the disk fails to give later reads as zeros, see
// lost().
class Mapping {
 public:
  // For reading. Errors: io, not_found.
  static Result<std::shared_ptr<const Mapping>> open(const std::filesystem::path& path);
  // For reading and for writing that the file never sees: a page that is written becomes memory of
  // our own. Errors: as above; corrupt_data when the file has not `bytes` bytes.
  static Result<std::shared_ptr<const Mapping>> open_private(const std::filesystem::path& path,
                                                             std::size_t bytes,
                                                             std::shared_ptr<LossCount> losses);
  // Zeros, of no file.
  static Result<std::shared_ptr<const Mapping>> empty(std::size_t bytes);

  Mapping(void* memory, std::size_t bytes, std::shared_ptr<LossCount> losses);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  std::string_view bytes() const { return {static_cast<const char*>(memory_), bytes_}; }
  // Of private mappings only.
  char* memory() const { return static_cast<char*>(memory_); }

  // Puts `bytes`, whole pages, in place of those at `offset`, at once for every reader.
  Status replace(std::size_t offset, std::string_view bytes) const;

  const LostPages& lost() const { return *lost_; }

 private:
  void* memory_;
  std::size_t bytes_;
  std::unique_ptr<LostPages> lost_;
};

// Reads up to bytes.size() bytes from `offset` without a mapping, so that an error of the disk is
// an error and not a signal; how many. Errors: io, not_found.
Result<std::size_t> read_at(const std::filesystem::path& path, std::uint64_t offset,
                            std::span<char> bytes);

}  // namespace selvedge::vectors
