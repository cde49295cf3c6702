// Embedding: Workers AI's text embeddings, from JSON to a task and from values to JSON.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "inference/inference.h"

namespace selvedge::api {

// `{text: string | string[1…100], pooling?: "mean" | "cls"}`; other properties are ignored.
// Errors: invalid_input, in the validator's words. Source: docs/compatibility.md#embeddings.
Result<inference::EmbedTask> parse_embed(const nlohmann::json& input);

// {"shape":[n,768],"data":[[…],…],"pooling":"mean"}: values as shortest float32 decimals.
std::string embed_result(const inference::Embeddings& embeddings, wire::Pooling pooling);

}  // namespace selvedge::api
