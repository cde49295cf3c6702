// Usage: what a call consumed, in tokens and in neurons.
#pragma once

#include <string>

#include "inference/price.h"

namespace selvedge::api {

using inference::neurons_of;

// "1.98": the shortest decimal, up to six places. Also the value of `cf-ai-neurons`.
std::string neurons_text(double neurons);

// Appends {"prompt_tokens","completion_tokens","total_tokens","prompt_tokens_details":
// {"cached_tokens"},"neurons"}: the shape of OpenAI, and Workers AI's price.
void append_usage(std::string& json, const inference::Usage& usage, double neurons);

}  // namespace selvedge::api
