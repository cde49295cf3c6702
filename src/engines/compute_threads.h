// ComputeThreads: ggml's worker threads of one runner, as many as the server grants.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "engines/thread_pace.h"
#include "ggml-cpu.h"
#include "llama.h"

namespace selvedge::engines {

// Two thread pools: one of a single thread, which is the loop's own, and the team of all. Workers
// sleep between graphs. Must outlive the contexts that compute with it.
class ComputeThreads {
 public:
  // `threads_max`: the most that grant() will allow.
  explicit ComputeThreads(std::int32_t threads_max);

  // The next batches may take `threads` threads.
  void grant(std::int32_t threads);
  std::int32_t granted() const { return granted_; }

  // Runs `compute`, which lets `context` compute `tokens` tokens and returns llama.cpp's number (0:
  // done), with as many threads as have been fastest for that. `steady`: without trying others,
  // because single tokens at depth are summed up in an order that depends on it.
  template <class Compute>
  std::int32_t run(llama_context* context, std::size_t tokens, bool steady, Compute compute) {
    const std::int32_t threads = pace_.threads_for(tokens, !steady);
    use(context, threads);
    const auto start = std::chrono::steady_clock::now();
    const std::int32_t result = compute();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    if (result == 0) pace_.record(tokens, threads, taken.count());
    return result;
  }

 private:
  struct Free {
    void operator()(ggml_threadpool* pool) const { ggml_threadpool_free(pool); }
  };
  using Pool = std::unique_ptr<ggml_threadpool, Free>;

  static Pool make_pool(std::int32_t threads);
  void use(llama_context* context, std::int32_t threads);

  std::int32_t threads_max_;
  std::int32_t granted_ = 1;
  std::int32_t used_ = 0;  // By the context, since its last batch; 0: not attached yet.
  ThreadPace pace_;
  Pool single_;
  Pool team_;  // Null when threads_max is 1.
};

}  // namespace selvedge::engines
