// Usage: what a call consumed, in tokens and in neurons.
#pragma once

#include <string>

#include "catalog/catalog.h"
#include "inference/inference.h"

namespace selvedge::api {

// The call's price by the unit prices of the model asked for, whatever weights answered. 0 where no
// price is published. Tokens that were cached cost less only where the table has a price for them.
double neurons_of(const catalog::ModelEntry& entry, const inference::Usage& usage);

// "1.98": the shortest decimal, up to six places. Also the value of `cf-ai-neurons`.
std::string neurons_text(double neurons);

// Appends {"prompt_tokens","completion_tokens","total_tokens","prompt_tokens_details":
// {"cached_tokens"},"neurons"}: the shape of OpenAI, and Workers AI's price.
void append_usage(std::string& json, const inference::Usage& usage, double neurons);

}  // namespace selvedge::api
