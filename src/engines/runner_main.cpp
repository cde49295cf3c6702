// selvedge-runner: one process, one model, computed by llama.cpp.
#include "engines/engine_log.h"
#include "engines/llama_loader.h"
#include "engines/runner_program.h"

int main(int argument_count, char** arguments) {
  selvedge::engines::EngineLog log;
  return selvedge::engines::run_runner_program(argument_count, arguments, SELVEDGE_VERSION,
                                               selvedge::engines::llama_loader(log));
}
