// Weights set: which of many files are one model, and which model is meant.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace selvedge::catalog {

// A file in a folder or a repository.
struct WeightsFile {
  std::string path;  // Relative to it.
  std::uint64_t bytes = 0;
  std::string sha256 = {};  // Empty: not known.
};

// The files of one model in their order: one, or those of a split, whose names end in
// "-00001-of-00003.gguf".
struct WeightsSet {
  std::vector<WeightsFile> files;

  const std::string& name() const { return files.front().path; }
  std::uint64_t bytes() const;
};

// Where a file stands among those of a split model: "big-00002-of-00003.gguf" is {"big", 2, 3}.
// `count` is 0 for any other name.
struct SplitName {
  std::string prefix;
  std::uint32_t at = 0;
  std::uint32_t count = 0;
};
SplitName split_name(std::string_view file);
// The name of file `at` (from 1).
std::string split_file_name(std::string_view prefix, std::uint32_t at, std::uint32_t count);

// The models among `files`, by name; files that are no GGUF, projectors and matrices of importance
// are left out, but for one whose path or name is `named`. A split of which files lack is there
// with what there is.
std::vector<WeightsSet> weights_sets(std::vector<WeightsFile> files, std::string_view named = {});

// The one that `pick` means: a path, a file's name, or a part of one name alone ("q4_k_m"); with an
// empty `pick` the only one. Errors: not_found (there is none), invalid_input (there are several:
// the message lists them with their sizes), file_invalid (files of the split lack). `where` is for
// people.
Result<WeightsSet> pick_weights(const std::vector<WeightsSet>& sets, std::string_view pick,
                                const std::string& where);

}  // namespace selvedge::catalog
