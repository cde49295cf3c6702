// WhisperEngine: transcriptions one after the other, computed beside the runner's loop.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "engines/engine.h"
#include "engines/side_thread.h"
#include "engines/transcription.h"
#include "engines/whisper_model.h"

namespace selvedge::engines {

// What a step begins is computed on a thread of its own, so that a window, which takes seconds,
// does not keep the loop from its frames: a task that is taken back is answered at once, and what
// was computed for it is thrown away.
class WhisperEngine final : public Engine {
 public:
  // `load.parts` may name the model that tells voices from silence ("voice_activity"). Errors:
  // those of WhisperModel::open.
  static Result<LoadedEngine> open(const wire::Load& load, const LoadProgress& progress);

  WhisperEngine(std::unique_ptr<WhisperModel> model, std::string detector);
  ~WhisperEngine() override;

  void set_threads(std::int32_t threads) override { threads_ = threads; }
  bool computing() override { return !side_.idle(); }
  Status start_transcribe(wire::Transcribe task) override;
  void cancel(wire::TaskId task, std::vector<wire::Message>& events) override;
  Status step(std::vector<wire::Message>& events) override;
  bool has_work() const override { return under_way_ != nullptr || !tasks_.empty(); }

 private:
  void begin_step();
  void end_step(std::vector<wire::Message>& events);
  // Where it has come further since it was told last.
  void tell_progress(const Transcription& task, std::vector<wire::Message>& events);

  std::unique_ptr<WhisperModel> model_;
  std::string detector_;
  std::int32_t threads_ = 1;
  std::deque<std::shared_ptr<Transcription>> tasks_;  // The first is worked on.
  std::shared_ptr<Transcription>
      under_way_;                 // Of which a step was begun; may have been taken back.
  Result<bool> outcome_ = false;  // Of that step; the side thread's until it is idle.
  wire::Progress told_;
  SideThread side_;  // Last: it ends before what it works with.
};

// Opens speech models; for Load.kind `speech`.
Loader whisper_loader();

}  // namespace selvedge::engines
