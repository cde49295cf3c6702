// Scores, the neighbour, and the words of the reply.
#include "rag/quote.h"

#include <algorithm>
#include <cmath>

#include "rag/language.h"
#include "rag/sentence.h"
#include "rag/word_overlap.h"

namespace selvedge::rag {
namespace {

// Chosen between 0.05 and 0.4, where the share of right answers hardly moves.
constexpr double kOverlapWeight = 0.1;

// A multilingual model finds the same fact in two languages about equally near, and people want the
// one they asked in. Within one language this adds the same to every sentence.
constexpr double kSameScriptWeight = 0.05;

std::vector<double> scores_of(std::string_view question, std::span<const Passage> passages,
                              std::span<const Candidate> candidates) {
  std::vector<std::string_view> sentences;
  sentences.reserve(candidates.size());
  for (const Candidate& candidate : candidates) {
    sentences.push_back(slice(passages[candidate.passage_at].text, candidate.span));
  }
  std::vector<double> scores = word_overlaps(question, sentences);
  const double asked_share = cjk_share(question);
  for (std::size_t at = 0; at < scores.size(); ++at) {
    const double script_gap = std::abs(asked_share - cjk_share(sentences[at]));
    scores[at] = candidates[at].cosine + kOverlapWeight * scores[at] +
                 kSameScriptWeight * (1.0 - script_gap);
  }
  return scores;
}

}  // namespace

std::vector<Candidate> candidates_of(std::span<const Passage> passages) {
  std::vector<Candidate> candidates;
  for (std::size_t at = 0; at < passages.size(); ++at) {
    for (const Span& span : sentence_spans(passages[at].text)) candidates.push_back({at, span, 0});
  }
  return candidates;
}

Quote best_quote(std::string_view question, std::span<const Passage> passages,
                 std::span<const Candidate> candidates, double refuse_below) {
  Quote quote;
  const std::vector<double> scores = scores_of(question, passages, candidates);
  const auto best_at =
      static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
  if (!candidates.empty()) quote.cosine = candidates[best_at].cosine;
  if (candidates.empty() || quote.cosine < refuse_below) {
    const std::string_view hint = passages.empty() ? std::string_view() : passages.front().text;
    quote.text = refusal(language_of(question, hint));
    quote.refused = true;
    return quote;
  }
  std::size_t first = best_at;
  std::size_t last = best_at;
  const std::size_t passage_at = candidates[best_at].passage_at;
  const bool has_before = best_at > 0 && candidates[best_at - 1].passage_at == passage_at;
  const bool has_after =
      best_at + 1 < candidates.size() && candidates[best_at + 1].passage_at == passage_at;
  if (has_before && (!has_after || scores[best_at - 1] > scores[best_at + 1])) {
    --first;
  } else if (has_after) {
    ++last;
  }
  const Passage& passage = passages[passage_at];
  quote.text = slice(passage.text, {candidates[first].span.begin, candidates[last].span.end});
  for (std::size_t at = first; at <= last; ++at) {
    quote.citations.push_back({passage.id, candidates[at].span.begin, candidates[at].span.end});
  }
  return quote;
}

std::vector<std::string> pieces_of(std::string_view text) {
  std::vector<std::string> pieces;
  const std::vector<Character> all = characters(text);
  std::size_t begin = 0;
  for (std::size_t at = 0; at < all.size(); ++at) {
    const bool last = at + 1 == all.size();
    const std::size_t end = last ? text.size() : all[at + 1].begin;
    const bool at_space = is_space(all[at].code) && (last || !is_space(all[at + 1].code));
    const bool at_cjk = is_cjk(all[at].code) || (!last && is_cjk(all[at + 1].code));
    if (last || at_space || at_cjk) {
      pieces.emplace_back(text.substr(begin, end - begin));
      begin = end;
    }
  }
  return pieces;
}

}  // namespace selvedge::rag
