// Embedding: Workers AI's text embeddings, from JSON to a task and from values to JSON.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "inference/inference.h"

namespace selvedge::api {

// What a model family answers with. Source: docs/compatibility.md#embeddings.
enum class EmbedForm : std::uint8_t {
  pooled,    // {"shape":[n,768],"data":[[…],…],"pooling":"mean"}: the BGE family.
  plain,     // {"data":[[…],…],"shape":[n,768]}: the others.
  contexts,  // {"response":[[…],…],"shape":[n,1024],"pooling":"cls"}: bge-m3, contexts only.
  scores,    // {"response":[{"id":0,"score":0.9},…]}: bge-m3, contexts and a query.
};

struct EmbedCall {
  inference::EmbedTask task;  // With `scores` the first text is the query.
  EmbedForm form = EmbedForm::pooled;
};

// `input` has met the schema of the model `id`: `text`, `contexts` and `query`, or any of
// `queries`, `documents` and `text`, in this order. Errors: invalid_input (more than 100 texts in
// all).
Result<EmbedCall> parse_embed(const nlohmann::json& input, std::string_view id);

// Values as shortest float32 decimals; scores are cosines, the highest first.
std::string embed_result(const inference::Embeddings& embeddings, EmbedForm form,
                         wire::Pooling pooling);

}  // namespace selvedge::api
