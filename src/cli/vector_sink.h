// VectorSink: where exported vectors go.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/result.h"
#include "cli/vector_page.h"

namespace selvedge::cli {

enum class ExportFormat : std::uint8_t { ndjson, npy, fvecs };

// Writes vectors to a file that appears whole at the end, or to stdout (NDJSON only). Beside tables
// a list of their ids is written, one a line: "FILE.ids".
class VectorSink {
 public:
  // `file` empty: stdout. Errors: io.
  static Result<std::unique_ptr<VectorSink>> open(const std::filesystem::path& file,
                                                  ExportFormat format, std::size_t dimensions);
  virtual ~VectorSink() = default;
  // Errors: io, file_invalid (an id with a line break, which a list of ids cannot hold).
  virtual Status write(const VectorPage& page) = 0;
  // Puts the file in its place. Errors: io.
  virtual Status finish() = 0;
};

}  // namespace selvedge::cli
