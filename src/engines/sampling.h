// Sampler: the next token from its logits, by the fields of a task.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "engines/grammar_gate.h"
#include "llama-cpp.h"
#include "wire/messages.h"

namespace selvedge::engines {

// Order: bias, penalties, top_k, top_p, temperature, draw. Temperature 0 takes the likeliest token.
// The penalties look at the last 64 tokens: repetition at those of prompt and completion, frequency
// and presence at those of the completion. Values outside sane ranges are moved into them, biases
// of tokens outside the vocabulary have no effect.
class Sampler {
 public:
  // `prompt` is borrowed for the call. `suppressed` are never drawn. Without a seed one is drawn.
  // `gate`: what a grammar forbids is not drawn either; may be null.
  Sampler(const wire::Sampling& sampling, std::span<const llama_token> prompt,
          std::vector<llama_token> suppressed, std::unique_ptr<GrammarGate> gate = nullptr);

  // Draws a token and takes it into account for the next ones. Changes `logits`
  // [vocabulary].
  llama_token sample(std::span<float> logits);

 private:
  struct Seen {
    int all = 0;
    int completion = 0;
  };
  struct Recent {
    llama_token token = 0;
    bool completion = false;
  };

  void accept(llama_token token, bool completion);
  void penalize(std::span<float> logits) const;
  llama_token draw(std::span<const float> logits);
  llama_token draw_allowed(std::span<float> logits);

  float temperature_;
  float repetition_;
  float frequency_;
  float presence_;
  std::vector<wire::TokenBias> bias_;
  std::deque<Recent> recent_;
  std::unordered_map<llama_token, Seen> seen_;
  std::vector<llama_token> suppressed_;
  std::vector<llama_token_data> candidates_;
  std::unique_ptr<GrammarGate> gate_;
  llama_sampler_ptr chain_;  // Null when the likeliest token is taken.
};

}  // namespace selvedge::engines
