// Cosines of sentences: from memory where they are known, else embedded in groups.
#include "rag/quoter.h"

#include <algorithm>

#include "base/sha256.h"
#include "rag/language.h"

namespace selvedge::rag {
namespace {

// Sentences of one embedding call: few enough that other callers get their turn between two.
constexpr std::size_t kSentencesPerCall = 32;

// Both are of length 1; zeros that pad the end are not stored, so the shorter one decides.
double cosine(std::span<const float> left, std::span<const float> right) {
  const std::size_t count = std::min(left.size(), right.size());
  double sum = 0;
  for (std::size_t at = 0; at < count; ++at) {
    sum += static_cast<double>(left[at]) * static_cast<double>(right[at]);
  }
  return sum;
}

std::vector<float> without_padding(std::span<const float> row) {
  std::size_t count = row.size();
  while (count > 0 && row[count - 1] == 0.0F) --count;
  return {row.begin(), row.begin() + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace

const std::vector<float>* SentenceVectors::find(const std::string& key) {
  const auto place = places_.find(key);
  if (place == places_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, place->second);
  return &place->second->values;
}

void SentenceVectors::put(const std::string& key, std::vector<float> values) {
  if (find(key) != nullptr) {
    entries_.front().values = std::move(values);
    return;
  }
  entries_.push_front({key, std::move(values)});
  places_[key] = entries_.begin();
  while (entries_.size() > count_max_) {
    places_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

std::string SentenceVectors::key_of(const catalog::Resolved& model, std::string_view sentence) {
  Sha256 hash;
  hash.add(model.answered_by);
  hash.add(model.sha256);
  hash.add(std::string_view("\0", 1));
  hash.add(sentence);
  return hash.hex();
}

double refuse_below(const catalog::Resolved& model, std::string_view question) {
  const double share = cjk_share(question);
  const bool known =
      (share == 1 || model.refuse_below_latin > 0) && (share == 0 || model.refuse_below_cjk > 0);
  return known ? (1 - share) * model.refuse_below_latin + share * model.refuse_below_cjk : 0;
}

asio::awaitable<Result<Quote>> Quoter::quote(const catalog::Resolved& model,
                                             std::string_view question,
                                             std::span<const float> question_vector,
                                             std::span<const Passage> passages) {
  std::vector<Candidate> candidates = candidates_of(passages);
  auto measured = co_await measure(model, question_vector, passages, candidates);
  if (!measured.ok()) co_return std::move(measured.error());
  co_return best_quote(question, passages, candidates, refuse_below(model, question));
}

asio::awaitable<Status> Quoter::measure(const catalog::Resolved& model,
                                        std::span<const float> question_vector,
                                        std::span<const Passage> passages,
                                        std::vector<Candidate>& candidates) {
  std::vector<std::size_t> unknown;
  std::vector<std::string> keys(candidates.size());
  for (std::size_t at = 0; at < candidates.size(); ++at) {
    const Candidate& candidate = candidates[at];
    keys[at] =
        SentenceVectors::key_of(model, slice(passages[candidate.passage_at].text, candidate.span));
    if (const std::vector<float>* known = vectors_.find(keys[at])) {
      candidates[at].cosine = cosine(question_vector, *known);
    } else {
      unknown.push_back(at);
    }
  }
  for (std::size_t done = 0; done < unknown.size(); done += kSentencesPerCall) {
    const std::size_t count = std::min(kSentencesPerCall, unknown.size() - done);
    inference::EmbedTask task;
    task.role = inference::EmbedRole::passage;
    for (std::size_t i = 0; i < count; ++i) {
      const Candidate& candidate = candidates[unknown[done + i]];
      task.texts.emplace_back(slice(passages[candidate.passage_at].text, candidate.span));
    }
    auto result = co_await inference_.embed(model, std::move(task));
    SEL_CO_TRY(embeddings, std::move(result));
    const auto dimensions = static_cast<std::size_t>(embeddings.dimensions);
    if (embeddings.values.size() != count * dimensions) {
      co_return Error{Code::internal, "embedding: rows are missing"};
    }
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t at = unknown[done + i];
      const std::span<const float> row(embeddings.values.data() + i * dimensions, dimensions);
      candidates[at].cosine = cosine(question_vector, row);
      vectors_.put(keys[at], without_padding(row));
    }
  }
  co_return ok_status();
}

}  // namespace selvedge::rag
