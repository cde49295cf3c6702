// EncoderEngine: packing and encoding.
#include "engines/encoder_engine.h"

#include <algorithm>
#include <utility>

namespace selvedge::engines {

EncoderEngine::EncoderEngine(std::shared_ptr<const LlamaModel> model, const wire::Load& load)
    : model_(std::move(model)),
      threads_(load.threads_max),
      context_tokens_(encoder_window(*model_, load.context_tokens)),
      batch_tokens_(
          std::max(EncoderBatch::kPackedTokens, static_cast<std::size_t>(context_tokens_))) {}

EncoderEngine::~EncoderEngine() = default;

Status EncoderEngine::open_context(enum llama_pooling_type pooling) {
  SEL_TRY(context, open_encoder_context(*model_, batch_tokens_, pooling));
  context_ = std::move(context);
  batch_ = std::make_unique<EncoderBatch>(batch_tokens_);
  return ok_status();
}

void EncoderEngine::set_threads(std::int32_t threads) { threads_.grant(threads); }

Result<wire::Tokens> EncoderEngine::tokenize(const wire::Tokenize& task) {
  return model_->tokens_of(task);
}

Status EncoderEngine::add_text(Task& task, std::vector<llama_token> tokens,
                               std::vector<std::int32_t>& token_counts) {
  if (tokens.empty()) {
    return Error{Code::invalid_input, "text: empty, and the model marks no beginning"};
  }
  token_counts.push_back(static_cast<std::int32_t>(tokens.size()));
  task.texts.push_back(std::move(tokens));
  return ok_status();
}

void EncoderEngine::cancel(wire::TaskId task, std::vector<wire::Message>& events) {
  const auto found = std::find_if(tasks_.begin(), tasks_.end(),
                                  [task](const auto& one) { return one->id == task; });
  if (found == tasks_.end()) return;
  events.push_back(wire::Failed{task, Code::cancelled, "cancelled"});
  tasks_.erase(found);
}

// Whole texts in the order of the tasks, until the next one does not fit.
std::vector<EncoderEngine::Row> EncoderEngine::fill() {
  std::vector<Row> rows;
  batch_->clear();
  for (const auto& task : tasks_) {
    for (; task->taken < task->texts.size(); ++task->taken) {
      const std::vector<llama_token>& tokens = task->texts[task->taken];
      if (!batch_->fits(tokens.size())) return rows;
      rows.push_back({task.get(), task->taken, static_cast<llama_seq_id>(batch_->texts()),
                      static_cast<std::int32_t>(batch_->size()),
                      static_cast<std::int32_t>(tokens.size())});
      batch_->add(tokens);
    }
  }
  return rows;
}

Status EncoderEngine::step(std::vector<wire::Message>& events) {
  const std::vector<Row> rows = fill();
  if (!rows.empty()) {
    const std::int32_t failure = threads_.run(context_.get(), batch_->size(), false, [this] {
      return llama_encode(context_.get(), batch_->get());
    });
    if (failure != 0) {
      return Error{Code::internal,
                   "llama.cpp could not encode a batch (" + std::to_string(failure) + ")"};
    }
    for (const Row& row : rows) {
      SEL_CHECK_OK(take(row));
      ++row.task->done;
    }
    unused_logits_.give_back(context_.get(), *model_, batch_->size());
  }
  while (!tasks_.empty() && tasks_.front()->done == tasks_.front()->texts.size()) {
    events.push_back(tasks_.front()->answer());
    tasks_.pop_front();
  }
  return ok_status();
}

}  // namespace selvedge::engines
