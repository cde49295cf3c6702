// LlamaText: text generation over llama.cpp, several sequences in one batch.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "engines/adapter_shelf.h"
#include "engines/chat_plan.h"
#include "engines/chat_prompt.h"
#include "engines/compute_threads.h"
#include "engines/engine.h"
#include "engines/llama_model.h"
#include "engines/picture_reader.h"
#include "engines/prompt_tokens.h"
#include "engines/slot_table.h"

namespace selvedge::engines {

// Each step computes one batch: a token for every running sequence, and pieces of the prompts of
// new ones, so that streams go on while a prompt is read. A task waits until a slot and the cells
// for its prompt and completion are free. Prompts that begin like one seen lately are computed from
// where they differ.
//
// Tasks with a LoRA adapter share no memory with those of another one or of none, and a batch has
// one adapter: groups of one adapter take turns of a few steps.
//
// Pictures are computed one a step, alone in a batch: by the projector, then into the sequence's
// memory. A beginning with pictures is kept like any other, by the identity of their pixels.
//
// Repeatable: a task with a seed, or with temperature 0, that runs alone gives the same completion
// each time (at depth as far as as many threads computed it). To such a task only beginnings are of
// use whose recomputation would give the same bits: whole chunks computed alone in a memory that
// held nothing else, since sums run in the order of the cells. Otherwise it starts with an empty
// memory.
class LlamaText final : public Engine {
 public:
  // A part "projector" of `load` reads pictures. Errors: model_unsupported (not a decoder),
  // model_load_failed.
  static Result<std::unique_ptr<LlamaText>> open(std::shared_ptr<const LlamaModel> model,
                                                 const wire::Load& load);
  ~LlamaText() override;

  void set_threads(std::int32_t threads) override;
  Status start_generate(wire::Generate task) override;
  Status start_embed(wire::Embed task) override;
  Result<wire::Tokens> tokenize(const wire::Tokenize& task) override;
  void cancel(wire::TaskId task, std::vector<wire::Message>& events) override;
  Status step(std::vector<wire::Message>& events) override;
  bool has_work() const override { return !waiting_.empty() || !running_.empty(); }

  // Tokens of prompt and completion that one sequence may have.
  std::int32_t context_tokens() const { return context_tokens_; }

  // The tokens of a task's prompt, pictures as picture_token. Errors: invalid_input.
  Result<std::vector<llama_token>> prompt_tokens(const wire::Generate& task) const;

 private:
  Result<ChatPlan> plan(const wire::Generate& task) const;

  struct Sequence;
  class Batch;
  struct Private {};

 public:
  // For open().
  LlamaText(Private, std::shared_ptr<const LlamaModel> model, const wire::Load& load);

 private:
  Status open_context();
  void admit();
  void choose_group();
  void fill(Batch& batch);
  void use_adapter(std::shared_ptr<const LoadedAdapter> adapter);
  Status decode(Batch& batch);
  std::int32_t compute(const llama_batch& batch, bool steady);
  Sequence* next_to_see();
  void see(Sequence& sequence, std::vector<wire::Message>& events);
  Status decode_picture(Sequence& sequence);
  void end(Sequence& sequence);
  void take_results(const Batch& batch, std::vector<wire::Message>& events);
  bool take_token(Sequence& sequence, std::int32_t output, std::vector<wire::Message>& events);
  llama_token draw(Sequence& sequence, std::int32_t output);
  std::string piece_of(const Sequence& sequence) const;
  void send(Sequence& sequence, std::string text, bool last, std::vector<wire::Message>& events);
  wire::TokenLogprob logprob_of(const Sequence& sequence) const;
  void forget(std::size_t slot, std::size_t from);
  bool kept_is_whole(std::size_t slot, std::size_t kept) const;

  std::shared_ptr<const LlamaModel> model_;
  std::unique_ptr<ChatPrompt> chat_prompt_;
  std::unique_ptr<PromptTokens> prompt_tokens_;
  std::unique_ptr<ChatPlanner> planner_;
  std::unique_ptr<PictureReader> pictures_;  // Null: the model has no projector.
  ComputeThreads threads_;
  std::int32_t sequences_max_;
  std::int32_t context_tokens_;
  std::size_t chunk_tokens_;
  bool may_keep_;  // The memory can drop the end of a sequence.
  std::vector<llama_token> suppressed_;
  std::unique_ptr<SlotTable> slots_;
  AdapterShelf adapters_;
  llama_context_ptr context_;
  std::shared_ptr<const LoadedAdapter> in_context_;  // Null: none is.
  std::uint64_t told_adapter_bytes_ = 0;
  std::uint64_t group_ = 0;      // Key of the adapter whose turn it is.
  std::int32_t turn_steps_ = 0;  // Left of its turn.
  bool saw_ = false;             // The last step computed a picture.
  std::unique_ptr<Batch> batch_;
  std::deque<std::unique_ptr<Sequence>> waiting_;
  std::vector<std::unique_ptr<Sequence>> running_;
  std::vector<float> raw_logits_;  // Before the sampler changed them; for sequences with logprobs.
};

}  // namespace selvedge::engines
