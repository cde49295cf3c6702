// OpenAI embedding: lists of vectors, from JSON to a task and from values to JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "api/openai_fields.h"
#include "api/rules.h"
#include "inference/inference.h"

namespace selvedge::api {

struct OpenAiEmbedCall {
  std::string model;
  inference::EmbedTask task;
  bool base64 = false;
  std::optional<std::int64_t> dimensions;  // As asked for; only the model's own are served.
};

// `{model, input: string | string[1…2048, or as the rules say], encoding_format?: "float" |
// "base64", dimensions?}`. Lists of token numbers are refused. Source:
// docs/compatibility.md#openai.
OpenAiParsed<OpenAiEmbedCall> parse_openai_embed(const nlohmann::json& body,
                                                 const Rules& rules = Rules());

// {"object":"list","data":[{"object":"embedding","index","embedding"}],"model","usage"}; values as
// shortest float32 decimals, or as base64 of little-endian float32.
std::string openai_embed_result(const inference::Embeddings& embeddings,
                                const OpenAiEmbedCall& call, double neurons);

}  // namespace selvedge::api
