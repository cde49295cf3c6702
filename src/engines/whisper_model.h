// WhisperModel: a speech model opened by whisper.cpp, and the state one transcription works in.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engines/engine.h"
#include "whisper.h"

namespace selvedge::engines {

// One task at a time, since there is one state.
class WhisperModel {
  struct Private {};  // Only open() can name one.

 public:
  explicit WhisperModel(Private) {}

  // Logs of whisper.cpp and ggml go to ours from then on. Errors: not_found, model_load_failed.
  static Result<std::unique_ptr<WhisperModel>> open(const std::string& path,
                                                    const LoadProgress& progress);

  whisper_context* context() const { return context_.get(); }
  whisper_state* state() const { return state_.get(); }
  // whisper.cpp frees the state itself in one of its failures; a new one takes its place.
  // Errors: model_load_failed.
  Status renew_state(bool freed);

  bool multilingual() const { return whisper_is_multilingual(context()) != 0; }
  // The tokens of `text`, which holds no control tokens whatever is written in it.
  std::vector<whisper_token> tokenize(const std::string& text) const;

  wire::Loaded facts() const;

 private:
  struct Free {
    void operator()(whisper_context* context) const { whisper_free(context); }
    void operator()(whisper_state* state) const { whisper_free_state(state); }
  };

  std::string name_;
  std::unique_ptr<whisper_context, Free> context_;
  std::unique_ptr<whisper_state, Free> state_;
};

}  // namespace selvedge::engines
