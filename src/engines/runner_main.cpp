// selvedge-runner: one process, one model, computed by the engine of its kind.
#include "engines/engine_log.h"
#include "engines/llama_loader.h"
#include "engines/runner_program.h"
#include "engines/whisper_engine.h"

int main(int argument_count, char** arguments) {
  namespace engines = selvedge::engines;
  engines::EngineLog log;
  const engines::Loader llama = engines::llama_loader(log);
  const engines::Loader whisper = engines::whisper_loader();
  const engines::Loader loader = [&](const selvedge::wire::Load& load,
                                     const engines::LoadProgress& progress) {
    return load.kind == selvedge::wire::ModelKind::speech ? whisper(load, progress)
                                                          : llama(load, progress);
  };
  return engines::run_runner_program(argument_count, arguments, SELVEDGE_VERSION, loader);
}
