// ArrayFile: a table of numbers on disk, one vector a row: .npy, .fvecs or .ivecs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace selvedge::cli {

// The file is mapped, not read: rows come from disk as they are asked for. Thread-safe.
//
// .npy: NumPy's format (numpy.lib.format), versions 1 to 3, one or two dimensions, row-major,
// little-endian float32, float64, int8, uint8, int32 or int64. A list counts as one column.
// .fvecs, .ivecs: each row is its length (int32) and as many float32 or int32, little-endian; all
// rows of one length (http://corpus-texmex.irisa.fr/). Which of the three it is tells the name.
class ArrayFile {
 public:
  // Errors: not_found, io, file_invalid (the message names the file, and what would make it right).
  static Result<ArrayFile> open(const std::filesystem::path& path);

  std::size_t rows() const { return rows_; }
  std::size_t columns() const { return columns_; }
  bool whole_numbers() const { return type_ != Type::float32 && type_ != Type::float64; }

  // Copies row `at` as float32; `out` is [columns()]. Errors: file_invalid (a row of .fvecs whose
  // length is another one).
  Status read(std::size_t at, std::span<float> out) const;
  // The same of a table of whole numbers. Errors: as read, and file_invalid for other tables.
  Status read(std::size_t at, std::span<std::int64_t> out) const;

 private:
  enum class Type : std::uint8_t { float32, float64, int8, uint8, int32, int64 };
  class Mapping;

  Status open_npy(std::string_view bytes);
  Status open_vecs(std::string_view bytes, Type type);
  Status read_shape(std::string_view header);
  Status read_type(std::string_view header);
  Result<std::string_view> row(std::size_t at) const;
  Error invalid(std::string_view what) const;
  template <class To>
  Status copy_row(std::size_t at, std::span<To> out) const;
  static std::size_t width(Type type);

  std::string name_;
  std::shared_ptr<const Mapping> mapping_;
  std::string_view data_;  // Within the mapping.
  Type type_ = Type::float32;
  std::size_t rows_ = 0;
  std::size_t columns_ = 1;
  std::size_t lead_bytes_ = 0;  // Before each row: its length.
};

// The first bytes of a .npy file of float32 [rows x columns], always as long: it can be written
// again when the number of rows is known.
std::string npy_header(std::size_t rows, std::size_t columns);

}  // namespace selvedge::cli
