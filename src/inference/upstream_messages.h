// Upstream messages: tasks as bodies of OpenAI's API, and its answers as pieces.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "inference/inference.h"
#include "inference/upstream.h"

namespace selvedge::inference {

// A streamed call. `path` is "/chat/completions", or "/completions" for a raw prompt.
struct UpstreamBody {
  std::string path;
  std::string json;
};
UpstreamBody upstream_body(const Upstream& upstream, const GenerateTask& task);
UpstreamBody upstream_body(const Upstream& upstream, const EmbedTask& task);

// What one chunk of a stream says. Whatever else is in it is passed over.
struct UpstreamChunk {
  Piece piece;         // Its `last` is not set.
  bool ended = false;  // The chunk says why the completion ended.
};
// `data` is the JSON of an event, or of a whole answer. Errors: those of upstream_failure for an
// object `error`; unavailable (no JSON of this form).
Result<UpstreamChunk> parse_upstream_chunk(std::string_view data);

// `promised`: dimensions that the id promises, which rows are filled up to with zeros; 0 = as many
// as they have. Errors: unavailable (not a row of equal length for each text), model_load_failed
// (rows are longer than promised).
Result<Embeddings> parse_upstream_embeddings(std::string_view body, std::size_t texts,
                                             std::int32_t promised);

// The reason that an answer with a status other than 2xx gives, in our words. Errors that the
// caller made are invalid_input or context_overflow, with the upstream's own words.
Error upstream_failure(const Upstream& upstream, int status, std::string_view body);
// Whether the same call may do better a moment later.
bool worth_another_try(int status);

}  // namespace selvedge::inference
