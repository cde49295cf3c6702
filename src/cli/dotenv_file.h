// DotenvFile: our block of lines inside a `.env` file that is somebody else's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/worker_environment.h"

namespace selvedge::cli {

// One assignment of a `.env` text.
struct DotenvLine {
  std::size_t number = 0;  // From 1.
  std::string name;
  std::string value;  // Without its quotes or trailing comment.
};

// The assignments outside our block, in order. Source of the form: dotenv, parse().
// Errors: file_invalid (a block that begins and does not end, or two of them).
Result<std::vector<DotenvLine>> foreign_lines(std::string_view text);

// `text` with our block saying `variables`: put where the old block stood, else at the end. All
// other bytes stay. Errors: file_invalid as foreign_lines; already_exists where a line outside the
// block sets one of the variables to another value (the message names line and variable).
Result<std::string> with_block(std::string_view text, const Variables& variables);

}  // namespace selvedge::cli
