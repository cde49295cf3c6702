// Vector lines: the NDJSON or JSON of a write, straight into one flat float array.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/result.h"
#include "vectors/index.h"

namespace selvedge::api {

// The text must be followed by this many readable bytes, whatever they hold.
inline constexpr std::size_t kVectorLinesPadding = 64;

struct VectorLinesOptions {
  std::string_view operation = "insert";  // As in "failed to parse insert vectors request …".
  std::size_t dimensions = 0;             // Of the index.
  std::size_t vectors_max = limits::vectors_per_write_max;
  bool discard_unparsable = false;  // Leave out lines that are no vectors, NDJSON only.
};

// One vector a line: {"id", "values", "namespace"?, "metadata"?}; blank lines are skipped, unknown
// properties ignored, of a key that stands twice the last one counts. Metadata comes out as compact
// JSON. All or nothing, but for lines left out on demand.
// Errors: vectors_unparsable, dimension_mismatch, id_invalid, metadata_too_large,
// metadata_key_invalid, too_many_vectors. Wording: docs/compatibility.md#vectorize.
Result<vectors::VectorBatch> parse_vector_lines(std::string_view lines,
                                                const VectorLinesOptions& options);

// {"vectors":[{…},…]}, with the same vectors and errors.
Result<vectors::VectorBatch> parse_vector_object(std::string_view text,
                                                 const VectorLinesOptions& options);

}  // namespace selvedge::api
