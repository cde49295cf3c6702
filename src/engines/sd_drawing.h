// SdDrawing: pictures by stable-diffusion.cpp.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "engines/compute_gate.h"
#include "engines/engine.h"
#include "engines/input_picture.h"
#include "engines/sd_files.h"
#include "engines/sd_log.h"
#include "stable-diffusion.h"

namespace selvedge::engines {

// Pictures are drawn one after the other, in the order in which they came, on a thread of the
// engine's own: a drawing takes minutes in one call. step() hands over what has become ready, and
// waits a moment for it. A grant of threads holds from the next turn of the drawing's graph on
// (GraphTurns), a cancelled drawing ends there. Same weights, request and seed: same pixels.
class SdDrawing final : public Engine {
 public:
  // `log` must outlive the engine. `progress` is told the fraction loaded. Errors: those of
  // find_sd_files, model_load_failed.
  static Result<std::unique_ptr<SdDrawing>> open(const wire::Load& load, SdLog& log,
                                                 const LoadProgress& progress);
  // For open().
  struct Context {
    void operator()(sd_ctx_t* context) const { free_sd_ctx(context); }
  };
  SdDrawing(std::unique_ptr<sd_ctx_t, Context> context, SdFiles files, SdLog& log,
            std::int32_t threads_max);
  ~SdDrawing() override;

  wire::Loaded facts() const;

  void set_threads(std::int32_t threads) override;
  void pause() override;
  // Errors: invalid_input (a picture, mask or reference that cannot be read, weights that take
  // none, a sampler that there is not).
  Status start_draw(wire::Draw task) override;
  void cancel(wire::TaskId task, std::vector<wire::Message>& events) override;
  Status step(std::vector<wire::Message>& events) override;
  bool has_work() const override;

 private:
  struct Job {
    wire::Draw request;
    std::optional<InputPicture> image;
    std::optional<InputPicture> mask;
    std::vector<InputPicture> references;
    std::int32_t width = 0;  // As asked for; the library's sides are multiples of 64.
    std::int32_t height = 0;
    std::int32_t steps = 0;  // That will be computed.
  };

  Result<std::vector<InputPicture>> read_references(const wire::Draw& request) const;
  void work();
  Result<wire::Picture> draw(const Job& job);
  Result<wire::Picture> to_picture(const Job& job, sd_image_t* images) const;
  void note_progress(int step, int steps);

  std::unique_ptr<sd_ctx_t, Context> context_;
  SdFiles files_;
  SdLog& log_;
  std::int32_t threads_max_;
  ComputeGate gate_;

  mutable std::mutex jobs_mutex_;  // Guards all below but the thread.
  std::condition_variable changed_;
  std::deque<Job> waiting_;
  std::optional<wire::TaskId> drawing_;  // Set by the thread; emptied by it, and by cancel().
  std::vector<wire::Message> ready_;
  bool ending_ = false;

  std::thread thread_;
};

}  // namespace selvedge::engines
