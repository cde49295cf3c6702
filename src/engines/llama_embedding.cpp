// LlamaEmbedding: packing, encoding, pooling.
#include "engines/llama_embedding.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

namespace selvedge::engines {
namespace {

void normalize(std::span<float> values) {
  double square = 0;
  for (const float value : values) {
    square += static_cast<double>(value) * static_cast<double>(value);
  }
  if (!(square > 0)) return;
  const double scale = 1.0 / std::sqrt(square);
  for (float& value : values) value = static_cast<float>(static_cast<double>(value) * scale);
}

}  // namespace

struct LlamaEmbedding::Task {
  wire::Pooling pooling = wire::Pooling::mean;
  std::vector<std::vector<llama_token>> texts;
  std::size_t taken = 0;   // Texts that were put into a batch.
  std::size_t pooled = 0;  // Texts whose row is there.
  wire::Embeddings answer;
};

// A text's place in the batch.
struct LlamaEmbedding::Row {
  Task* task = nullptr;
  std::size_t text = 0;
  std::int32_t first = 0;
  std::int32_t count = 0;
};

LlamaEmbedding::LlamaEmbedding(Private, std::shared_ptr<const LlamaModel> model,
                               const wire::Load& load)
    : model_(std::move(model)),
      threads_(load.threads_max),
      context_tokens_(encoder_window(*model_, load.context_tokens)),
      batch_tokens_(
          std::max(EncoderBatch::kPackedTokens, static_cast<std::size_t>(context_tokens_))),
      dimensions_(static_cast<std::size_t>(llama_model_n_embd(model_->get()))) {}

LlamaEmbedding::~LlamaEmbedding() = default;

Result<std::unique_ptr<LlamaEmbedding>> LlamaEmbedding::open(
    std::shared_ptr<const LlamaModel> model, const wire::Load& load) {
  if (!is_encoder(*model)) {
    return Error{Code::model_unsupported,
                 "architecture " + model->architecture() + ": makes no embeddings"};
  }
  auto engine = std::make_unique<LlamaEmbedding>(Private{}, std::move(model), load);
  SEL_CHECK_OK(engine->open_context());
  return engine;
}

Status LlamaEmbedding::open_context() {
  SEL_TRY(context, open_encoder_context(*model_, batch_tokens_, LLAMA_POOLING_TYPE_NONE));
  context_ = std::move(context);
  batch_ = std::make_unique<EncoderBatch>(batch_tokens_);
  return ok_status();
}

void LlamaEmbedding::set_threads(std::int32_t threads) { threads_.grant(threads); }

Status LlamaEmbedding::start_generate(wire::Generate) {
  return Error{Code::model_unsupported,
               "architecture " + model_->architecture() + ": makes no text"};
}

Status LlamaEmbedding::start_embed(wire::Embed task) {
  auto one = std::make_unique<Task>();
  one->pooling = task.pooling;
  one->answer.task = task.task;
  one->answer.dimensions = static_cast<std::int32_t>(dimensions_);
  one->answer.values.assign(task.texts.size() * dimensions_, 0.0f);
  for (const std::string& text : task.texts) {
    one->texts.push_back(encoder_tokens(*model_, text, context_tokens_));
    one->answer.token_counts.push_back(static_cast<std::int32_t>(one->texts.back().size()));
    if (one->texts.back().empty()) {
      return Error{Code::invalid_input, "text: empty, and the model marks no beginning"};
    }
  }
  tasks_.push_back(std::move(one));
  return ok_status();
}

Result<wire::Tokens> LlamaEmbedding::tokenize(const wire::Tokenize& task) {
  return model_->tokens_of(task);
}

void LlamaEmbedding::cancel(wire::TaskId task, std::vector<wire::Message>& events) {
  const auto found = std::find_if(tasks_.begin(), tasks_.end(),
                                  [task](const auto& one) { return one->answer.task == task; });
  if (found == tasks_.end()) return;
  events.push_back(wire::Failed{task, Code::cancelled, "cancelled"});
  tasks_.erase(found);
}

// Whole texts in the order of the tasks, until the next one does not fit.
std::vector<LlamaEmbedding::Row> LlamaEmbedding::fill() {
  std::vector<Row> rows;
  batch_->clear();
  for (const auto& task : tasks_) {
    for (; task->taken < task->texts.size(); ++task->taken) {
      const std::vector<llama_token>& tokens = task->texts[task->taken];
      if (!batch_->fits(tokens.size())) return rows;
      rows.push_back({task.get(), task->taken, static_cast<std::int32_t>(batch_->size()),
                      static_cast<std::int32_t>(tokens.size())});
      batch_->add(tokens);
    }
  }
  return rows;
}

Status LlamaEmbedding::step(std::vector<wire::Message>& events) {
  const std::vector<Row> rows = fill();
  if (!rows.empty()) {
    const std::int32_t failure = threads_.run(context_.get(), batch_->size(), false, [this] {
      return llama_encode(context_.get(), batch_->get());
    });
    if (failure != 0) {
      return Error{Code::internal,
                   "llama.cpp could not encode a batch (" + std::to_string(failure) + ")"};
    }
    for (const Row& row : rows) SEL_CHECK_OK(pool(row));
    unused_logits_.give_back(context_.get(), *model_, batch_->size());
  }
  while (!tasks_.empty() && tasks_.front()->pooled == tasks_.front()->texts.size()) {
    events.push_back(std::move(tasks_.front()->answer));
    tasks_.pop_front();
  }
  return ok_status();
}

Status LlamaEmbedding::pool(const Row& row) {
  Task& task = *row.task;
  const std::span<float> values =
      std::span(task.answer.values).subspan(row.text * dimensions_, dimensions_);
  const std::int32_t count = task.pooling == wire::Pooling::cls ? 1 : row.count;
  for (std::int32_t at = row.first; at < row.first + count; ++at) {
    const float* vector = llama_get_embeddings_ith(context_.get(), at);
    if (vector == nullptr) return Error{Code::internal, "llama.cpp gave no vector for a token"};
    // The length is made 1 below: a mean needs no division.
    for (std::size_t dimension = 0; dimension < dimensions_; ++dimension) {
      values[dimension] += vector[dimension];
    }
  }
  normalize(values);
  ++task.pooled;
  return ok_status();
}

}  // namespace selvedge::engines
