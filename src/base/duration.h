// Duration: spans of time as people write them in options.
#pragma once

#include <chrono>
#include <string_view>

#include "base/result.h"

namespace selvedge {

// "500ms", "30s", "2m", "1.5s", "0"; a number other than 0 needs its unit. Errors: invalid_input
// (the message says which forms there are).
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace selvedge
