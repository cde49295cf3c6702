// LlamaEmbedding: pooling.
#include "engines/llama_embedding.h"

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

struct LlamaEmbedding::Texts final : Task {
  using Task::Task;
  wire::Message answer() override { return std::move(embeddings); }

  wire::Pooling pooling = wire::Pooling::mean;
  wire::Embeddings embeddings;
};

LlamaEmbedding::LlamaEmbedding(Private, std::shared_ptr<const LlamaModel> model,
                               const wire::Load& load)
    : EncoderEngine(std::move(model), load),
      dimensions_(static_cast<std::size_t>(llama_model_n_embd(this->model().get()))) {}

Result<std::unique_ptr<LlamaEmbedding>> LlamaEmbedding::open(
    std::shared_ptr<const LlamaModel> model, const wire::Load& load) {
  if (!is_encoder(*model)) {
    return Error{Code::model_unsupported,
                 "architecture " + model->architecture() + ": makes no embeddings"};
  }
  auto engine = std::make_unique<LlamaEmbedding>(Private{}, std::move(model), load);
  SEL_CHECK_OK(engine->open_context(LLAMA_POOLING_TYPE_NONE));
  return engine;
}

Status LlamaEmbedding::start_generate(wire::Generate) {
  return Error{Code::model_unsupported,
               "architecture " + model().architecture() + ": makes no text"};
}

Status LlamaEmbedding::start_embed(wire::Embed task) {
  auto one = std::make_unique<Texts>(task.task);
  one->pooling = task.pooling;
  wire::Embeddings& answer = one->embeddings;
  answer.task = task.task;
  answer.dimensions = static_cast<std::int32_t>(dimensions_);
  answer.values.assign(task.texts.size() * dimensions_, 0.0f);
  for (const std::string& text : task.texts) {
    SEL_CHECK_OK(
        add_text(*one, encoder_tokens(model(), text, context_tokens()), answer.token_counts));
  }
  add_task(std::move(one));
  return ok_status();
}

Status LlamaEmbedding::take(const Row& row) {
  auto& task = static_cast<Texts&>(*row.task);
  const std::span<float> values =
      std::span(task.embeddings.values).subspan(row.text * dimensions_, dimensions_);
  const std::int32_t count = task.pooling == wire::Pooling::cls ? 1 : row.count;
  for (std::int32_t at = row.first; at < row.first + count; ++at) {
    const float* vector = llama_get_embeddings_ith(context(), at);
    if (vector == nullptr) return Error{Code::internal, "llama.cpp gave no vector for a token"};
    // The length is made 1 below: a mean needs no division.
    for (std::size_t dimension = 0; dimension < dimensions_; ++dimension) {
      values[dimension] += vector[dimension];
    }
  }
  normalize(values);
  return ok_status();
}

}  // namespace selvedge::engines
