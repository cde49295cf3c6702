// selvedge-runner: one process, one model, computed by the engine of its kind.
#include "engines/engine_log.h"
#include "engines/llama_loader.h"
#include "engines/runner_program.h"
#include "engines/sd_loader.h"
#include "engines/whisper_engine.h"

namespace engines = selvedge::engines;
using selvedge::wire::ModelKind;

int main(int argument_count, char** arguments) {
  engines::EngineLog log;
  engines::SdLog sd_log;
  const engines::Loader text = engines::llama_loader(log);
  const engines::Loader speech = engines::whisper_loader();
  const engines::Loader pictures = engines::sd_loader(sd_log);
  const engines::Loader loader = [&](const selvedge::wire::Load& load,
                                     const engines::LoadProgress& progress) {
    if (load.kind == ModelKind::speech) return speech(load, progress);
    if (load.kind == ModelKind::image) return pictures(load, progress);
    return text(load, progress);
  };
  return engines::run_runner_program(argument_count, arguments, SELVEDGE_VERSION, loader);
}
