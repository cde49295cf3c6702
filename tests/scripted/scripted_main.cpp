// selvedge-scripted-runner: a runner for tests; same frames and loop as the real one, no weights.
#include "engines/runner_program.h"
#include "scripted_engine.h"

int main(int argument_count, char** arguments) {
  return selvedge::engines::run_runner_program(argument_count, arguments, "scripted",
                                               selvedge::scripted::load_scripted_engine);
}
