// Quoter: makes quotes with an embedding model, and remembers the vectors of sentences.
#pragma once

#include <cstddef>
#include <list>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "catalog/catalog.h"
#include "inference/inference.h"
#include "rag/quote.h"

namespace selvedge::rag {

// A bounded map from sentences to their vectors, so that a passage's sentences are embedded once
// and not with every question. The least recently used one goes first.
class SentenceVectors {
 public:
  explicit SentenceVectors(std::size_t count_max) : count_max_(count_max) {}

  // Nullptr when it is not there; valid until the next `put`.
  const std::vector<float>* find(const std::string& key);
  void put(const std::string& key, std::vector<float> values);
  std::size_t size() const { return entries_.size(); }

  // A hash of the weights' name and the sentence.
  static std::string key_of(const catalog::Resolved& model, std::string_view sentence);

 private:
  struct Entry {
    std::string key;
    std::vector<float> values;
  };
  std::size_t count_max_;
  std::list<Entry> entries_;  // Most recently used first.
  std::unordered_map<std::string, std::list<Entry>::iterator> places_;
};

// The cosine under which a question is not answered. The model's thresholds differ by script, since
// its cosines live in other ranges; a question in both gets what lies between, by their shares. 0
// (never refuse) when the model is not calibrated for a script of the question.
double refuse_below(const catalog::Resolved& model, std::string_view question);

// Used on the I/O thread. `inference` must outlive it, and it the coroutines it started.
class Quoter {
 public:
  explicit Quoter(inference::Inference& inference) : inference_(inference) {}

  // `question_vector` is the question's, of the same model, of length 1. `question` and `passages`
  // are borrowed until the coroutine ends. Errors: those of Inference::embed.
  asio::awaitable<Result<Quote>> quote(const catalog::Resolved& model, std::string_view question,
                                       std::span<const float> question_vector,
                                       std::span<const Passage> passages);

 private:
  asio::awaitable<Status> measure(const catalog::Resolved& model,
                                  std::span<const float> question_vector,
                                  std::span<const Passage> passages,
                                  std::vector<Candidate>& candidates);

  // About 1.6 KiB each with 384 dimensions: some 14 MB.
  static constexpr std::size_t kSentencesMax = 8'192;

  inference::Inference& inference_;
  SentenceVectors vectors_{kSentencesMax};
};

}  // namespace selvedge::rag
