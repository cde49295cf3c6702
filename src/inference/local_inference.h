// Local inference: models in runner processes on this machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include <boost/asio/io_context.hpp>

#include "base/limits.h"
#include "inference/inference.h"

namespace selvedge::inference {

struct InferenceOptions {
  std::filesystem::path runner;  // The executable; started with `--fd N`.

  // The machine.
  std::int32_t cores = 0;          // 0 = all that this process may use.
  std::uint64_t memory_bytes = 0;  // 0 = 70% of what this process may use.
  int slice_ms = 250;              // Turns of runners while more of them work than there are cores.

  // A model.
  std::int32_t sequences_max = static_cast<std::int32_t>(limits::sequences_active_max);
  std::int32_t context_tokens = 0;  // Per sequence; 0 = the model's own, bounded by the runner.
  std::size_t tasks_waiting_max = limits::tasks_waiting_max;
  int idle_unload_ms = 600'000;

  // What is too long.
  int task_ms_max = limits::task_ms_max;
  int draw_ms_max = limits::draw_ms_max;  // Of a picture, where that is longer.
  int load_ms_max = limits::runner_load_ms_max;
  // A busy runner that sends nothing for so long is hung: it answers pings between its steps.
  // For each further 4 GiB of weights as much is added, since the steps of large models are long.
  int silence_ms_max = limits::runner_silence_ms_max;
  // One that meanwhile does nothing at all (it sleeps or was stopped, and uses no processor) is
  // hung already after this.
  int stillness_ms_max = 500;
  int end_ms_max = 2'000;  // From Shutdown to SIGKILL.

  // A runner that failed: started again at once, then after this, doubled each time.
  int restart_ms_first = 500;
  int restart_ms_max = 30'000;
  int healthy_ms = 60'000;   // A runner that lived so long starts that count anew.
  int load_crashes_max = 5;  // In a row; then the waiting tasks fail.
};

// `io` is run by one thread, which makes all calls, and outlives the result. Destroying the result
// without shut_down() kills the runners.
std::unique_ptr<Inference> create_inference(boost::asio::io_context& io, InferenceOptions options);

}  // namespace selvedge::inference
