// SdLoader: opens models that draw.
#pragma once

#include "engines/engine.h"
#include "engines/sd_log.h"

namespace selvedge::engines {

// `log` must outlive the loader and the engine.
Loader sd_loader(SdLog& log);

}  // namespace selvedge::engines
