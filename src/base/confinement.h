// Confinement: what a child of the server gives up before it reads what others made.
#pragma once

#include "base/result.h"

namespace selvedge {

// No core dumps (a dump would hold prompts), no new privileges, and death with the thread that
// started this process, so that a runner which hangs in a step does not outlive the server.
// A model file is outside input for a large C++ parser; shutting out the network and all files but
// the model's (Landlock, seccomp) is not done for runners yet; converters are shut in by
// markdown/seal.h. Errors: io.
Status confine_this_process();

}  // namespace selvedge
