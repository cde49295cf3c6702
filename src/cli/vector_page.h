// VectorPage: the vectors of one get_by_ids answer, each as the NDJSON line that writes it again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace selvedge::cli {

struct VectorPage {
  std::vector<std::string> ids;
  // {"id","values","namespace"?,"metadata"?} without a line break; numbers and metadata as they
  // came, nulls left out.
  std::vector<std::string> lines;
  std::vector<std::vector<float>> values;  // One entry a vector, when asked for; else empty.
};

// Reads {"result":[{vector},…]}. Errors: internal (not of this form).
Result<VectorPage> read_vector_page(std::string_view body, bool with_values);

}  // namespace selvedge::cli
