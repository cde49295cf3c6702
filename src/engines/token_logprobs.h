// Token logprobs: how likely the model held each token, and which piece of text tells of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "wire/messages.h"

namespace selvedge::engines {

struct RankedToken {
  std::int32_t token = 0;
  float logprob = 0;
};

struct TokenRanking {
  float drawn_logprob = 0;
  std::vector<RankedToken> top;  // The likeliest first; of equals the one with the lower number.
};

// The log-softmax of `logits` [vocabulary] for the token that was drawn and for the `top` likeliest
// ones. Nothing is below wire::kLogprobMin, which also stands for logits that are no numbers.
TokenRanking rank_tokens(std::span<const float> logits, std::int32_t drawn, std::size_t top);

// Tokens in the order of the text, given out when their bytes have been sent: text is held back
// while it may be half a character or the beginning of a stop string.
class UnsentLogprobs {
 public:
  void add(wire::TokenLogprob token);

  // `sent_bytes`: of the bytes of all tokens added. Takes the tokens that lie before it.
  std::vector<wire::TokenLogprob> take(std::size_t sent_bytes);

  // As take, when nothing more will be sent: of a token that `sent_bytes` cuts the beginning comes
  // along, what lies behind is dropped.
  std::vector<wire::TokenLogprob> finish(std::size_t sent_bytes);

 private:
  std::deque<wire::TokenLogprob> tokens_;
  std::size_t begin_ = 0;  // Of the first one, in the bytes of all.
};

}  // namespace selvedge::engines
