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

ggml_threadpool* ComputeThreads::pool_for(std::int32_t threads) const {
  return threads == 1 || !team_ ? single_.get() : team_.get();
}

void ComputeThreads::set(llama_context* context, std::int32_t threads,
                         std::int32_t single_token_threads) {
  threads = std::clamp(threads, 1, threads_max_);
  single_token_threads = std::clamp(single_token_threads, 1, threads);
  llama_attach_threadpool(context, pool_for(single_token_threads), pool_for(threads));
  llama_set_n_threads(context, single_token_threads, threads);
}

}  // namespace selvedge::engines
