// Confinement: what a runner gives up before it opens a model file.
#pragma once

#include "base/result.h"

namespace selvedge::engines {

// No core dumps (a dump would hold prompts), no new privileges, and death with the thread that
// started this process, so that a runner which hangs in a step does not outlive the server.
// A model file is outside input for a large C++ parser; shutting out the network and all files but
// the model's (Landlock, seccomp) belongs here too and is not done yet.
// Errors: io.
Status confine_this_process();

}  // namespace selvedge::engines
