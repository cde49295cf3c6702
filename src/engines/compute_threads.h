// ComputeThreads: ggml's worker threads of one runner, as many as the server grants.
#pragma once

#include <cstdint>
#include <memory>

#include "ggml-cpu.h"
#include "llama.h"

namespace selvedge::engines {

// Two thread pools: one of a single thread, which is the loop's own, for generating with small
// models (a barrier after each of hundreds of tiny operations costs more than a second thread
// gives), and the team, for prompts, embeddings and larger models. Workers sleep between graphs.
// Must outlive the contexts it is attached to.
class ComputeThreads {
 public:
  // `threads_max`: the most that set() will ask for.
  explicit ComputeThreads(std::int32_t threads_max);

  // `context` computes batches with `threads` threads and single tokens with
  // `single_token_threads`.
  void set(llama_context* context, std::int32_t threads, std::int32_t single_token_threads);

 private:
  struct Free {
    void operator()(ggml_threadpool* pool) const { ggml_threadpool_free(pool); }
  };
  using Pool = std::unique_ptr<ggml_threadpool, Free>;

  static Pool make_pool(std::int32_t threads);
  ggml_threadpool* pool_for(std::int32_t threads) const;

  std::int32_t threads_max_;
  Pool single_;
  Pool team_;  // Null when threads_max is 1.
};

}  // namespace selvedge::engines
