// Chunk: cuts a long text into overlapping passages that fit an embedding model's window.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "inference/inference.h"
#include "rag/characters.h"

namespace selvedge::rag {

struct ChunkOptions {
  // Both kinds of embedding models in use see 512 tokens; the rest is room for the prefix
  // ("passage:
  // "), the two control tokens, and tokens that come out otherwise at a chunk's start.
  std::size_t tokens_max = 400;
  std::size_t overlap_tokens = 60;
  // So that a chunk of few but long tokens (a run of spaces) stays storable as metadata.
  std::size_t bytes_max = 4'000;
};

// Texts of so many bytes are one chunk whatever their tokens: no token is shorter than a byte.
inline bool is_one_chunk(std::string_view text, const ChunkOptions& options = {}) {
  return text.size() <= options.tokens_max;
}

// In order; together they cover every byte of `text`, each ends at a character's boundary, and
// neighbours share up to about `overlap_tokens`. A chunk ends where a sentence does if there is one
// in its second half, else at white space, else anywhere. `tokens` are those of `text`.
std::vector<Span> chunk_spans(std::string_view text, const inference::TokenSpans& tokens,
                              const ChunkOptions& options = {});

}  // namespace selvedge::rag
