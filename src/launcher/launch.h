// Launch: becomes the real workerd, with the bindings of its configuration redirected on the way.
#pragma once

#include <string>

#include "base/result.h"
#include "launcher/server_place.h"

namespace selvedge::launcher {

// Whether workerd, called with these arguments, reads a binary configuration from its standard
// input.
bool reads_binary_config(int argc, const char* const* argv);

// Replaces this process by the real workerd with the same arguments, environment and open files; of
// `workerd serve --binary … -` the standard input is read first, to its end, and replaced by a file
// in memory. Returns only when that is impossible, and then the reason.
Error launch(int argc, char** argv, const Variables& variables);

}  // namespace selvedge::launcher
