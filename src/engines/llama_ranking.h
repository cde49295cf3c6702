// LlamaRanking: scores of texts over llama.cpp, by encoders with a classifier behind them.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engines/classifier_head.h"
#include "engines/encoder_engine.h"

namespace selvedge::engines {

// Cross-encoders, which score pairs of a query and a text, and classifiers, which score one text
// for each of their labels.
class LlamaRanking final : public EncoderEngine {
 public:
  // `load.model_path` is the file of `model`. Errors: model_unsupported (not an encoder, or without
  // a classifier), model_load_failed.
  static Result<std::unique_ptr<LlamaRanking>> open(std::shared_ptr<const LlamaModel> model,
                                                    const wire::Load& load);

  Status start_rank(wire::Rank task) override;

 private:
  struct Texts;
  struct Private {};

 public:
  // For open().
  LlamaRanking(Private, std::shared_ptr<const LlamaModel> model, const wire::Load& load);

 private:
  Status open_classifier(const std::string& model_path);
  std::vector<llama_token> pair_tokens(std::vector<llama_token> query,
                                       const std::string& text) const;
  Status take(const Row& row) override;

  std::size_t results_ = 1;  // Scores of each text.
  std::vector<std::string> labels_;
  std::vector<llama_token> between_;  // Marks between query and text, and behind both.
  std::vector<llama_token> behind_;
  std::optional<ReluHead> head_;  // When the graph has none.
};

}  // namespace selvedge::engines
