// LlamaLoader: opens a model file with the engine that a Load asks for.
#pragma once

#include "engines/engine.h"

namespace selvedge::engines {

class EngineLog;

// `log` must outlive the loader and the engines. The first load starts llama.cpp.
Loader llama_loader(EngineLog& log);

}  // namespace selvedge::engines
