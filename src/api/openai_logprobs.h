// OpenAI logprobs: the tokens of a choice in the form of chat and in the older one of completions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "wire/messages.h"

namespace selvedge::api {

using TokenLogprobs = std::optional<std::vector<wire::TokenLogprob>>;

// {"content":[{"token","logprob","bytes","top_logprobs":[…]}],"refusal":null}, or null without
// logprobs. A token that is no whole character is written with its bytes as \xNN.
void append_chat_logprobs(std::string& json, const TokenLogprobs& logprobs);

// {"tokens","token_logprobs","top_logprobs","text_offset"}, or null without logprobs. Of each token
// the likeliest alternatives and itself. `characters` is where the first token begins in the
// choice's text, in characters; on return where the next one will.
void append_completion_logprobs(std::string& json, const TokenLogprobs& logprobs,
                                std::size_t& characters);

}  // namespace selvedge::api
