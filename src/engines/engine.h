// Engine: one loaded model inside a runner, as the runner's loop sees it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "wire/messages.h"

namespace selvedge::engines {

// Called from the runner's loop thread only. Answers are wire messages, appended to `events`; the
// loop sends them in that order. A method may let a library's exception out: the loop catches it.
class Engine {
 public:
  virtual ~Engine() = default;

  // The next steps compute with `threads` threads (at least 1). Not called while computing().
  virtual void set_threads(std::int32_t threads) = 0;

  // Whether something is computed even now, beside the loop: with the threads it began with.
  virtual bool computing() { return false; }
  // There are no threads to compute with until set_threads() is called again. For engines that
  // compute outside of step(): on return none does.
  virtual void pause() {}

  // Accepts a task; the work is done by step(). An error is the task's answer, and nothing of it
  // stays. Errors: model_unsupported (not what this model does), invalid_input, context_overflow.
  virtual Status start_generate(wire::Generate) { return unsupported("generates text"); }
  virtual Status start_embed(wire::Embed) { return unsupported("embeds texts"); }
  virtual Status start_rank(wire::Rank) { return unsupported("ranks texts"); }
  virtual Status start_transcribe(wire::Transcribe) { return unsupported("transcribes speech"); }
  virtual Status start_draw(wire::Draw) { return unsupported("draws pictures"); }

  // Done at once. Errors: model_unsupported, invalid_input.
  virtual Result<wire::Tokens> tokenize(const wire::Tokenize&) {
    return unsupported("cuts text into tokens").error();
  }

  // Ends a task and appends its last message: Finished{cancelled} or Failed{cancelled}. A task that
  // is not known appends nothing.
  virtual void cancel(wire::TaskId task, std::vector<wire::Message>& events) = 0;

  // Advances the active tasks by one batch and appends what became ready. Only called while
  // has_work(). An error means that none of the active tasks can go on.
  virtual Status step(std::vector<wire::Message>& events) = 0;

  virtual bool has_work() const = 0;

 protected:
  static Status unsupported(const char* what) {
    return Error{Code::model_unsupported, std::string("the model is none that ") + what};
  }
};

struct LoadedEngine {
  std::unique_ptr<Engine> engine;
  wire::Loaded facts;
};

// Told the fraction loaded, 0 to 1; false asks to give up.
using LoadProgress = std::function<bool(float)>;

// Opens the model that a Load names. Errors: model_load_failed, model_unsupported, not_found.
using Loader = std::function<Result<LoadedEngine>(const wire::Load&, const LoadProgress&)>;

}  // namespace selvedge::engines
