// VectorSource: the vectors of one file, in pieces of NDJSON as Vectorize takes them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace selvedge::cli {

// Some vectors, each a line of `text`, which ends with a line break.
struct VectorLines {
  std::string text;
  std::vector<std::size_t> starts;     // Of each line in `text`.
  std::vector<std::uint64_t> numbers;  // Where each stands in its file: line or row.

  void clear();
  // The lines from `begin` up to `end`.
  std::string_view part(std::size_t begin, std::size_t end) const;
};

struct VectorSourceOptions {
  std::string id_prefix;           // Before row numbers.
  std::uint64_t first_number = 0;  // Of the first row; several files count on.
  std::filesystem::path ids;       // One id a line, instead of row numbers; empty: none.
  std::filesystem::path scale;     // One factor a row; empty: none.
};

class VectorSource {
 public:
  // By the name: .npy and .fvecs are tables (see ArrayFile), anything else is NDJSON, "-" is NDJSON
  // on stdin. Parquet is refused with the line that converts it. Errors: not_found, io,
  // file_invalid, invalid_input (an option that does not fit the file).
  static Result<std::unique_ptr<VectorSource>> open(const std::filesystem::path& path,
                                                    const VectorSourceOptions& options);
  virtual ~VectorSource() = default;

  // Up to `count` more vectors, and no more than about `bytes_max`, in place of what `lines` holds;
  // none at the end. Errors: io, file_invalid.
  virtual Status next(std::size_t count, std::size_t bytes_max, VectorLines& lines) = 0;

  // How many numbers a vector has; 0 = the file has none, or its first line tells nothing.
  virtual std::size_t dimensions() = 0;

  // How far `next` came, for a progress bar: in bytes of the file, or, with a `unit`, in vectors.
  // `total` 0 = unknown.
  virtual std::uint64_t done() const = 0;
  virtual std::uint64_t total() const = 0;
  virtual std::string_view unit() const = 0;

  // "file.ndjson:12", "file.npy, row 3".
  virtual std::string place(std::uint64_t number) const = 0;
};

}  // namespace selvedge::cli
