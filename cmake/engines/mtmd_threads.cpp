// mtmd.cpp, and what its interface lacks: the threads of the next encoding, which a runner is
// granted anew all the time.
#include "mtmd.cpp"

extern "C" void selvedge_mtmd_set_threads(mtmd_context* context, int threads) {
  context->n_threads = threads;
}
