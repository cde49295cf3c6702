// IndexDimensions: how many numbers the vectors of a Worker's index will have.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/model_table.h"

namespace selvedge::cli {

struct IndexDimensions {
  std::int32_t count = 0;
  std::string reason;  // For people: which model, named where.
};

// The ids of embedding models that stand in the program texts of `place` (a file, or a folder with
// all below it but node_modules, built output and hidden folders), each once, in order of the
// table. Looks at 5,000 files of up to 2 MiB at most.
std::vector<const catalog::ModelEntry*> named_embedding_models(const catalog::ModelTable& models,
                                                               const std::filesystem::path& place);

// From the embedding models named in the first of `places` that names any; where none does, those
// of @cf/baai/bge-base-en-v1.5. Errors: invalid_input (models of different dimensions are named).
Result<IndexDimensions> guess_dimensions(const catalog::ModelTable& models,
                                         const std::vector<std::filesystem::path>& places);

}  // namespace selvedge::cli
