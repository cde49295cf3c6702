// The first chunk knows how many there are; that is the only link between the chunks of a document.
#include "rag/knowledge.h"

#include <algorithm>
#include <optional>

#include "base/limits.h"
#include "base/utf8.h"
#include "rag/document_chunk.h"

namespace selvedge::rag {
namespace {

constexpr std::size_t kIdsPerStep = 256;
constexpr std::size_t kStepsPerPage = 64;
constexpr std::size_t kItemTextBytes = 200;

// Chunks that the stored document has, 0 = there is none of this id.
Result<std::size_t> stored_chunks(const vectors::Index& index, std::string_view document) {
  const std::string id(document);
  SEL_TRY(vectors, index.get(std::span(&id, 1)));
  if (vectors.empty()) return std::size_t{0};
  const auto chunk = chunk_from(id, vectors.front().metadata);
  if (!chunk || chunk->document != document) return std::size_t{0};
  return chunk->count;
}

Status erase_chunks(vectors::Index& index, std::string_view document, std::size_t first,
                    std::size_t end) {
  if (first >= end) return ok_status();
  std::vector<std::string> ids;
  for (std::size_t at = first; at < end; ++at) ids.push_back(chunk_id(document, at));
  SEL_TRY(mutation, index.erase(ids));
  return ok_status();
}

std::optional<KnowledgeItem> item_of(const vectors::StoredVector& vector) {
  const auto chunk = chunk_from(vector.id, vector.metadata);
  if (!chunk || chunk->at != 0) return std::nullopt;
  const std::size_t bytes = utf8::floor_boundary(chunk->text, kItemTextBytes);
  return KnowledgeItem{chunk->document, chunk->text.substr(0, bytes), chunk->count};
}

}  // namespace

Status replace_document(vectors::Index& index, std::string_view document,
                        std::span<const std::string> texts, std::span<const float> values) {
  SEL_CHECK(!texts.empty() && values.size() % texts.size() == 0);
  SEL_TRY(before, stored_chunks(index, document));
  // The surplus goes first: while it is there, the old first chunk still counts it.
  SEL_CHECK_OK(erase_chunks(index, document, texts.size(), before));
  vectors::VectorBatch batch;
  batch.dimensions = values.size() / texts.size();
  batch.values.assign(values.begin(), values.end());
  for (std::size_t at = 0; at < texts.size(); ++at) {
    batch.ids.push_back(chunk_id(document, at));
    batch.partitions.emplace_back();
    batch.metadata.push_back(metadata_of({std::string(document), at, texts.size(), texts[at]}));
  }
  SEL_TRY(mutation, index.upsert(batch));
  return ok_status();
}

Status remove_document(vectors::Index& index, std::string_view document) {
  SEL_TRY(count, stored_chunks(index, document));
  if (count == 0) return Error{Code::knowledge_not_found, "knowledge: no text of this id"};
  return erase_chunks(index, document, 0, count);
}

Result<KnowledgePage> list_documents(const vectors::Index& index, std::string_view after,
                                     std::size_t count) {
  KnowledgePage page;
  page.total_chunks = static_cast<std::size_t>(index.stats().vector_count);
  std::string last(after);
  for (std::size_t step = 0; step < kStepsPerPage; ++step) {
    SEL_TRY(ids, index.list(last, kIdsPerStep));
    SEL_TRY(vectors, index.get(ids.ids));
    for (const vectors::StoredVector& vector : vectors) {
      if (page.items.size() == count) {
        page.next = last;
        return page;
      }
      last = vector.id;
      if (auto item = item_of(vector)) page.items.push_back(std::move(*item));
    }
    if (!ids.truncated || ids.ids.empty()) return page;
    last = ids.ids.back();
  }
  page.next = last;
  return page;
}

Result<std::vector<Passage>> nearest_passages(const vectors::Index& index,
                                              std::span<const float> vector, std::size_t count) {
  vectors::QueryOptions options;
  // Others may write vectors without texts into the same index.
  options.top_k = std::min(count * 4, limits::top_k_max);
  options.with_metadata = true;
  SEL_TRY(matches, index.query(vector, options));
  std::vector<Passage> passages;
  for (const vectors::Match& match : matches) {
    if (passages.size() == count) break;
    auto chunk = chunk_from(match.id, match.metadata);
    if (chunk) passages.push_back({match.id, std::move(chunk->text), match.score});
  }
  return passages;
}

}  // namespace selvedge::rag
