// ComputeThreads: ggml thread pools and how a context uses them.
#include "engines/compute_threads.h"

#include <algorithm>

namespace selvedge::engines {

ComputeThreads::ComputeThreads(std::int32_t threads_max)
    : threads_max_(std::clamp(threads_max, 1, static_cast<std::int32_t>(GGML_MAX_N_THREADS))),
      single_(make_pool(1)),
      team_(threads_max_ > 1 ? make_pool(threads_max_) : nullptr) {}

ComputeThreads::Pool ComputeThreads::make_pool(std::int32_t threads) {
  ggml_threadpool_params params = ggml_threadpool_params_default(threads);
  // No spinning between graphs: an idle runner must leave the cores to the others. Inside a graph
  // ggml spins at its barriers, which is why the server never grants more threads than cores.
  params.poll = 0;
  return Pool(ggml_threadpool_new(&params));
}

void ComputeThreads::grant(std::int32_t threads) {
  threads = std::clamp(threads, 1, threads_max_);
  if (threads == granted_) return;
  granted_ = threads;
  pace_.grant(threads);
}

void ComputeThreads::use(llama_context* context, std::int32_t threads) {
  if (threads == used_) return;
  used_ = threads;
  ggml_threadpool* pool = threads == 1 || !team_ ? single_.get() : team_.get();
  llama_attach_threadpool(context, pool, pool);
  llama_set_n_threads(context, threads, threads);
}

}  // namespace selvedge::engines
