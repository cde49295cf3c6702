// OpenAI call: what a chat completion and a text completion have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "api/openai_fields.h"
#include "api/rules.h"
#include "inference/inference.h"

namespace selvedge::api {

// What a request means that says nothing about its length, and what else the rules make of it. Both
// cut at the model's window; an explicit max_tokens that does not fit is refused instead.
struct OpenAiDefaults {
  std::int32_t tokens_max = 0;
  bool content_may_lack = true;               // See Rules.
  std::size_t content_chars_max = 1'048'576;  // Of one message; OpenAI's.
};
// Under an account, as the hosted service. Source: docs/compatibility.md#openai.
OpenAiDefaults hosted_openai_defaults(const Rules& rules = Rules());
// On plain /v1: OpenAI's clients expect a whole answer.
OpenAiDefaults plain_openai_defaults(const Rules& rules = Rules());

// One generation of either kind, before its model is looked up.
struct OpenAiCall {
  std::string model;  // As asked for.
  // One a choice, in the order of their `index`; those of one prompt stand together.
  std::vector<inference::GenerateTask> tasks;
  std::size_t choices_per_prompt = 1;
  std::vector<std::string> echoes;  // Prompts to write before the choices' texts; empty = none.
  bool stream = false;
  std::string lora = {};  // Id or name of a fine-tune; empty = none.
  bool include_usage = false;
  bool null_usage = true;  // Then: null on the chunks before the one that has it.
};

// The fields of both kinds into `call`, and of `task` all but its prompt and logprobs: model, n,
// stream, stream_options, stop, seed, temperature, top_p, penalties, logit_bias, max_tokens,
// lora, options.rejectIfBusy. Faults stay in
// `fields`.
void read_openai_call(OpenAiFields& fields, const OpenAiDefaults& defaults, OpenAiCall& call,
                      inference::GenerateTask& task);

// temperature, top_p, top_k, penalties, seed and logit_bias alone.
void read_openai_sampling(OpenAiFields& fields, wire::Sampling& sampling);

// Adds `choices_per_prompt` tasks like `task`. With a seed each has its own, which follows from it:
// equal seeds would give equal choices.
void add_choices(OpenAiCall& call, const inference::GenerateTask& task);

}  // namespace selvedge::api
