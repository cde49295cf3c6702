// Quote: the extractive answer: the passages' best sentence with its better neighbour, word for
// word, or a refusal.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rag/bot.h"
#include "rag/characters.h"

namespace selvedge::rag {

// A sentence of a passage, and how near it is to the question.
struct Candidate {
  std::size_t passage_at = 0;
  Span span;
  double cosine = 0;
};

struct Quote {
  std::string text;  // A slice of one passage; of a refusal the sentence that says so.
  bool refused = false;
  std::vector<Citation> citations;  // One a sentence, in text order; none of a refusal.
  double cosine = 0;                // Of the best sentence: what the threshold was held against.
};

// The sentences of the passages, passage by passage, in text order; their cosines are 0.
std::vector<Candidate> candidates_of(std::span<const Passage> passages);

// Refuses when there are no candidates, or when the best one's cosine is below `refuse_below` (0 =
// never). Candidates are scored by cosine + 0.1 x word overlap with the question + 0.05 x likeness
// of script; of equal scores the first counts. Why these rules and numbers: docs/answers.md.
Quote best_quote(std::string_view question, std::span<const Passage> passages,
                 std::span<const Candidate> candidates, double refuse_below);

// The pieces in which an answer that is known whole is streamed: words with the space after them,
// single characters of CJK text. Joined they are `text`.
std::vector<std::string> pieces_of(std::string_view text);

}  // namespace selvedge::rag
