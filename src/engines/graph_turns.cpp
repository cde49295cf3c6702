// Graph turns: some nodes of a graph, then the next ones.
#include "engines/graph_turns.h"

#include <algorithm>
#include <chrono>

#include "base/check.h"
#include "ggml-backend.h"

// The linker's names for what the library calls, and for the function itself.
extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming)
ggml_status __real_ggml_backend_graph_compute(ggml_backend_t backend, ggml_cgraph* graph);
ggml_status __wrap_ggml_backend_graph_compute(ggml_backend_t backend, ggml_cgraph* graph);
// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming)
}

namespace selvedge::engines {
namespace {

constexpr int kNodesATurnMax = 512;

thread_local GraphTurns* turns_of_this_thread = nullptr;

}  // namespace

GraphTurns::GraphTurns(ComputeGate& gate, std::int32_t threads_max)
    : gate_(gate),
      threads_max_(std::clamp(threads_max, 1, static_cast<std::int32_t>(GGML_MAX_N_THREADS))) {
  ggml_threadpool_params params = ggml_threadpool_params_default(threads_max_);
  params.poll = 0;  // No spinning between turns: an idle runner leaves the cores to the others.
  team_.reset(ggml_threadpool_new(&params));
  const ggml_init_params memory{ggml_graph_overhead_custom(kNodesATurnMax, false) + 1024, nullptr,
                                /*no_alloc=*/true};
  context_.reset(ggml_init(memory));
  turn_ = ggml_new_graph_custom(context_.get(), kNodesATurnMax, false);
  SEL_CHECK(turns_of_this_thread == nullptr);
  turns_of_this_thread = this;
}

GraphTurns::~GraphTurns() { turns_of_this_thread = nullptr; }

ggml_status GraphTurns::compute(ggml_backend_t backend, ggml_cgraph* graph) {
  const int nodes = ggml_graph_n_nodes(graph);
  for (int begin = 0; begin < nodes;) {
    const int end = std::min(begin + nodes_a_turn_, nodes);
    const ggml_status status = compute_turn(backend, graph, begin, end);
    if (status != GGML_STATUS_SUCCESS) return status;
    begin = end;
  }
  return GGML_STATUS_SUCCESS;
}

ggml_status GraphTurns::compute_turn(ggml_backend_t backend, ggml_cgraph* graph, int begin,
                                     int end) {
  ggml_graph_clear(turn_);
  for (int at = begin; at < end; ++at) ggml_graph_add_node(turn_, ggml_graph_node(graph, at));
  const std::int32_t threads = std::min(gate_.enter(may_end_), threads_max_);
  if (threads == 0) return GGML_STATUS_ABORTED;
  ggml_backend_cpu_set_threadpool(backend, team_.get());
  ggml_backend_cpu_set_n_threads(backend, threads);
  const auto start = std::chrono::steady_clock::now();
  const ggml_status status = __real_ggml_backend_graph_compute(backend, turn_);
  const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
  gate_.leave();
  if (taken.count() < kTurnMs / 2) nodes_a_turn_ = std::min(2 * nodes_a_turn_, kNodesATurnMax);
  if (taken.count() > kTurnMs * 2) nodes_a_turn_ = std::max(nodes_a_turn_ / 2, 1);
  return status;
}

}  // namespace selvedge::engines

// NOLINTNEXTLINE(bugprone-reserved-identifier, readability-identifier-naming)
ggml_status __wrap_ggml_backend_graph_compute(ggml_backend_t backend, ggml_cgraph* graph) {
  selvedge::engines::GraphTurns* turns = selvedge::engines::turns_of_this_thread;
  if (turns == nullptr || !ggml_backend_is_cpu(backend)) {
    return __real_ggml_backend_graph_compute(backend, graph);
  }
  return turns->compute(backend, graph);
}
