// Knowledge: texts in a vector index: replaced whole, removed whole, listed, searched.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "rag/bot.h"
#include "vectors/index.h"

namespace selvedge::rag {

// These block: call them on a worker pool. Two writes of one document must not run at the same time
// (DocumentTurns); everything else may.

// Stores the chunks of a document: `texts` in order, `values` is [texts x dimensions], row-major.
// What the document had before is gone. A crash in the middle leaves a document that the next
// replacement or removal clears whole. Errors: those of Index::get, erase and upsert.
Status replace_document(vectors::Index& index, std::string_view document,
                        std::span<const std::string> texts, std::span<const float> values);

// Errors: knowledge_not_found, those of Index::get and erase.
Status remove_document(vectors::Index& index, std::string_view document);

// Documents in the order of their ids' bytes, from the first after `after`. A page may hold fewer
// than `count` although more follow, when the index holds many vectors that are no documents.
// Errors: those of Index::list and get.
Result<KnowledgePage> list_documents(const vectors::Index& index, std::string_view after,
                                     std::size_t count);

// The nearest `count` passages, best first; vectors without a text are passed over.
// Errors: those of Index::query.
Result<std::vector<Passage>> nearest_passages(const vectors::Index& index,
                                              std::span<const float> vector, std::size_t count);

}  // namespace selvedge::rag
