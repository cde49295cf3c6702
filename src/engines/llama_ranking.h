// LlamaRanking: scores of texts over llama.cpp, by encoders with a classifier behind them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engines/classifier_head.h"
#include "engines/compute_threads.h"
#include "engines/encoder_batch.h"
#include "engines/engine.h"
#include "engines/llama_model.h"

namespace selvedge::engines {

// Cross-encoders, which score pairs of a query and a text, and classifiers, which score one text
// for each of their labels. Steps are those of LlamaEmbedding: whole texts, of any tasks.
class LlamaRanking final : public Engine {
 public:
  // `load.model_path` is the file of `model`. Errors: model_unsupported (not an encoder, or without
  // a classifier), model_load_failed.
  static Result<std::unique_ptr<LlamaRanking>> open(std::shared_ptr<const LlamaModel> model,
                                                    const wire::Load& load);
  ~LlamaRanking() override;

  void set_threads(std::int32_t threads) override;
  Status start_rank(wire::Rank task) override;
  Result<wire::Tokens> tokenize(const wire::Tokenize& task) override;
  void cancel(wire::TaskId task, std::vector<wire::Message>& events) override;
  Status step(std::vector<wire::Message>& events) override;
  bool has_work() const override { return !tasks_.empty(); }

  // Tokens of one text or pair, marks included; longer ones are cut.
  std::int32_t context_tokens() const { return context_tokens_; }

 private:
  struct Task;
  struct Row;
  struct Private {};

 public:
  // For open().
  LlamaRanking(Private, std::shared_ptr<const LlamaModel> model, const wire::Load& load);

 private:
  Status open_context(const std::string& model_path);
  std::vector<llama_token> pair_tokens(std::vector<llama_token> query,
                                       const std::string& text) const;
  std::vector<Row> fill();
  Status take_scores(const std::vector<Row>& rows);

  std::shared_ptr<const LlamaModel> model_;
  ComputeThreads threads_;
  std::int32_t context_tokens_;
  std::size_t batch_tokens_;
  std::size_t results_ = 1;  // Scores of each text.
  std::vector<std::string> labels_;
  std::vector<llama_token> between_;  // Marks between query and text, and behind both.
  std::vector<llama_token> behind_;
  std::optional<ReluHead> head_;  // When the graph has none.
  UnusedLogits unused_logits_;
  llama_context_ptr context_;
  std::unique_ptr<EncoderBatch> batch_;
  std::deque<std::unique_ptr<Task>> tasks_;
};

}  // namespace selvedge::engines
