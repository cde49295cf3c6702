// Seal: what a converter gives up for good before it reads a file.
#pragma once

#include "base/result.h"

namespace selvedge::markdown {

// Beside what confine_this_process() takes: memory and time of the processor are bounded, no file
// can be written or made, no process started, no socket opened, no other process touched (seccomp);
// where the kernel has Landlock, only what programs share (/usr, the fonts' settings) can be read.
// Errors: io (the kernel refuses).
Status seal_this_process();

}  // namespace selvedge::markdown
