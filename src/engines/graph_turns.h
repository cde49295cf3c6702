// Graph turns: the graphs of stable-diffusion.cpp, computed in pieces that a gate lets through.
#pragma once

#include <memory>

#include "engines/compute_gate.h"
#include "ggml-cpu.h"
#include "ggml.h"

namespace selvedge::engines {

// stable-diffusion.cpp computes each graph in one call, with a number of threads that is fixed when
// a model is opened; a step of a large model takes a minute. The linker leads those calls here
// (--wrap=ggml_backend_graph_compute, in CMakeLists.txt), and on a thread that has a GraphTurns
// they are cut into turns of some nodes, about `kTurnMs` long. Calls of other threads, and on other
// devices than the CPU, are left as they are.
class GraphTurns {
 public:
  static constexpr double kTurnMs = 40;

  // For the calls that this thread makes while it lives. `gate` must outlive it.
  GraphTurns(ComputeGate& gate, std::int32_t threads_max);
  ~GraphTurns();
  GraphTurns(const GraphTurns&) = delete;
  GraphTurns& operator=(const GraphTurns&) = delete;

  // Whether the library survives that a graph is not computed to its end. Of text encoders it
  // asserts that they have a result.
  void set_may_end(bool may_end) { may_end_ = may_end; }

  // What the wrapped call does on this thread. GGML_STATUS_ABORTED when the gate is stopped.
  ggml_status compute(ggml_backend_t backend, ggml_cgraph* graph);

 private:
  struct Free {
    void operator()(ggml_threadpool* pool) const { ggml_threadpool_free(pool); }
    void operator()(ggml_context* context) const { ggml_free(context); }
  };

  ggml_status compute_turn(ggml_backend_t backend, ggml_cgraph* graph, int begin, int end);

  ComputeGate& gate_;
  std::int32_t threads_max_;
  std::unique_ptr<ggml_threadpool, Free> team_;
  std::unique_ptr<ggml_context, Free> context_;
  ggml_cgraph* turn_;  // Of `context_`; the nodes of one turn.
  bool may_end_ = false;
  int nodes_a_turn_ = 8;
};

}  // namespace selvedge::engines
