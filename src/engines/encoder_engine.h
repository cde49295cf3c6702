// EncoderEngine: tasks of whole texts over llama.cpp, computed by an encoder in packed batches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "engines/compute_threads.h"
#include "engines/encoder_batch.h"
#include "engines/engine.h"
#include "engines/llama_model.h"

namespace selvedge::engines {

// Each step computes one batch of whole texts, of any tasks, of about 512 tokens together:
// attention runs over the whole batch, so larger ones are slower. What becomes of a text that was
// computed is its heir's.
class EncoderEngine : public Engine {
 public:
  ~EncoderEngine() override;

  void set_threads(std::int32_t threads) override;
  Result<wire::Tokens> tokenize(const wire::Tokenize& task) override;
  void cancel(wire::TaskId task, std::vector<wire::Message>& events) override;
  Status step(std::vector<wire::Message>& events) override;
  bool has_work() const override { return !tasks_.empty(); }

  // Tokens of one text (or pair), marks included; longer ones are cut.
  std::int32_t context_tokens() const { return context_tokens_; }

 protected:
  struct Task {
    explicit Task(wire::TaskId task) : id(task) {}
    virtual ~Task() = default;
    // Of a task whose texts are all done; called once.
    virtual wire::Message answer() = 0;

    wire::TaskId id;
    std::vector<std::vector<llama_token>> texts;
    std::size_t taken = 0;  // Texts that were put into a batch.
    std::size_t done = 0;   // Texts that take() has seen.
  };

  // A text's place in the batch.
  struct Row {
    Task* task = nullptr;
    std::size_t text = 0;
    llama_seq_id sequence = 0;
    std::int32_t first = 0;  // Of its tokens.
    std::int32_t count = 0;
  };

  EncoderEngine(std::shared_ptr<const LlamaModel> model, const wire::Load& load);

  // Errors: model_load_failed.
  Status open_context(enum llama_pooling_type pooling);

  // Gives `task` one more text. Errors: invalid_input (no tokens).
  static Status add_text(Task& task, std::vector<llama_token> tokens,
                         std::vector<std::int32_t>& token_counts);
  void add_task(std::unique_ptr<Task> task) { tasks_.push_back(std::move(task)); }

  // What the context holds for a text, into its task's answer. `row.task` is one that the heir
  // gave to add_task().
  virtual Status take(const Row& row) = 0;

  const LlamaModel& model() const { return *model_; }
  llama_context* context() const { return context_.get(); }

 private:
  std::vector<Row> fill();

  std::shared_ptr<const LlamaModel> model_;
  ComputeThreads threads_;
  std::int32_t context_tokens_;
  std::size_t batch_tokens_;
  UnusedLogits unused_logits_;
  llama_context_ptr context_;
  std::unique_ptr<EncoderBatch> batch_;
  std::deque<std::unique_ptr<Task>> tasks_;
};

}  // namespace selvedge::engines
