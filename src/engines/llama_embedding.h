// LlamaEmbedding: embeddings of texts over llama.cpp, by encoder models of the BERT family.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "engines/compute_threads.h"
#include "engines/encoder_batch.h"
#include "engines/engine.h"
#include "engines/llama_model.h"

namespace selvedge::engines {

// Each step computes one batch of whole texts, of any tasks, of about 512 tokens together:
// attention runs over the whole batch, so larger ones are slower. The context gives the tokens' own
// vectors; they are pooled here, so that one context serves both kinds of pooling.
class LlamaEmbedding final : public Engine {
 public:
  // Errors: model_unsupported (not an encoder), model_load_failed.
  static Result<std::unique_ptr<LlamaEmbedding>> open(std::shared_ptr<const LlamaModel> model,
                                                      const wire::Load& load);
  ~LlamaEmbedding() override;

  void set_threads(std::int32_t threads) override;
  Status start_generate(wire::Generate task) override;
  Status start_embed(wire::Embed task) override;
  Result<wire::Tokens> tokenize(const wire::Tokenize& task) override;
  void cancel(wire::TaskId task, std::vector<wire::Message>& events) override;
  Status step(std::vector<wire::Message>& events) override;
  bool has_work() const override { return !tasks_.empty(); }

  // Tokens of one text, marks included; longer texts are cut.
  std::int32_t context_tokens() const { return context_tokens_; }

 private:
  struct Task;
  struct Row;
  struct Private {};

 public:
  // For open().
  LlamaEmbedding(Private, std::shared_ptr<const LlamaModel> model, const wire::Load& load);

 private:
  Status open_context();
  std::vector<Row> fill();
  Status pool(const Row& row);

  std::shared_ptr<const LlamaModel> model_;
  ComputeThreads threads_;
  std::int32_t context_tokens_;
  std::size_t batch_tokens_;
  std::size_t dimensions_;
  UnusedLogits unused_logits_;
  llama_context_ptr context_;
  std::unique_ptr<EncoderBatch> batch_;
  std::deque<std::unique_ptr<Task>> tasks_;
};

}  // namespace selvedge::engines
