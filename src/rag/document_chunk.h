// Document chunk: how a piece of a text is kept as the id and the metadata of a vector.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/result.h"

namespace selvedge::rag {

// More than the longest text can have.
inline constexpr std::size_t kChunksMax = 10'000;
// Leaves room for "#10000" within an id of the index.
inline constexpr std::size_t kDocumentIdBytesMax = limits::id_bytes_max - 6;

struct DocumentChunk {
  std::string document;  // Id of the text as a whole.
  std::size_t at = 0;    // Which chunk of the text, from 0.
  std::size_t count = 1;
  std::string text;
};

// The first chunk has the document's own id, the others "id#2", "id#3", …
std::string chunk_id(std::string_view document, std::size_t at);

// Errors: invalid_input (empty, too long, not UTF-8, control characters, or of the form of a later
// chunk's id).
Status check_document_id(std::string_view id);

// {"text":…,"document":…,"chunk":…,"chunks":…}; `chunk` counts from 0. `text` comes first, where
// the bots of tutorials have it.
std::string metadata_of(const DocumentChunk& chunk);

// What a vector says. Metadata with just a `text` (written by somebody's Worker) is a document of
// its own of one chunk; metadata without one is nothing (nullopt).
std::optional<DocumentChunk> chunk_from(std::string_view id, std::string_view metadata);

}  // namespace selvedge::rag
