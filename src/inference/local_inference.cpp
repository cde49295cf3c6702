// Local inference: the outside contract over the runner pool.
#include "inference/local_inference.h"

#include <algorithm>
#include <utility>

#include "catalog/task_names.h"
#include "inference/machine.h"
#include "inference/runner_pool.h"

namespace selvedge::inference {
namespace {

Error unexpected_outcome(const std::string& model) {
  return Error{Code::internal, "the runner of model " + model + " answered with something else"};
}

Usage usage_of(const wire::Finished& finished) {
  return {finished.prompt_tokens, finished.cached_tokens, finished.completion_tokens};
}

class LocalTokenStream : public TokenStream {
 public:
  LocalTokenStream(TaskHandle task, std::string model)
      : task_(std::move(task)), model_(std::move(model)) {}

  asio::awaitable<Result<Piece>> next() override {
    auto waited = co_await task_->wait_some();
    SEL_CO_CHECK_OK(std::move(waited));
    Piece piece;
    NewText added = task_->take_new();
    const bool something = !added.empty();
    piece.text = std::move(added.text);
    piece.logprobs = std::move(added.logprobs);
    piece.reasoning = std::move(added.reasoning);
    piece.tool_calls = std::move(added.tool_calls);
    if (!task_->done()) co_return piece;
    const auto& end = task_->end();
    if (!end.ok()) {
      // What was generated before a failure is still the caller's.
      if (something) co_return piece;
      co_return end.error();
    }
    const auto* finished = std::get_if<wire::Finished>(&end.value());
    if (finished == nullptr) co_return unexpected_outcome(model_);
    piece.last = true;
    piece.reason = finished->reason;
    piece.stop = finished->stop;
    piece.usage = usage_of(*finished);
    co_return piece;
  }

 private:
  TaskHandle task_;
  std::string model_;
};

template <class Outcome>
class LocalWorkStream : public WorkStream<Outcome> {
 public:
  LocalWorkStream(TaskHandle task, std::string model)
      : task_(std::move(task)), model_(std::move(model)) {}

  asio::awaitable<Result<WorkEvent<Outcome>>> next() override {
    auto waited = co_await task_->wait_some();
    SEL_CO_CHECK_OK(std::move(waited));
    WorkEvent<Outcome> event;
    if (const auto progress = task_->take_progress(); progress && !task_->done()) {
      event.done = progress->done;
      event.total = progress->total;
      co_return std::move(event);
    }
    auto ended = co_await task_->wait_outcome();
    if (!ended.ok()) co_return std::move(ended.error());
    auto* outcome = std::get_if<Outcome>(&ended.value());
    if (outcome == nullptr) co_return unexpected_outcome(model_);
    event.outcome = std::move(*outcome);
    co_return std::move(event);
  }

 private:
  TaskHandle task_;
  std::string model_;
};

// Rows of the model's own width, padded with zeros to the width the id promises: cosine, dot
// product and Euclidean distance stay what they were.
Result<Embeddings> padded(wire::Embeddings&& raw, std::size_t rows, std::int32_t promised,
                          const std::string& model) {
  const auto own = static_cast<std::size_t>(std::max(raw.dimensions, 0));
  if (own == 0 || raw.values.size() != rows * own) return unexpected_outcome(model);
  const auto wide = promised > 0 ? static_cast<std::size_t>(promised) : own;
  if (own > wide) {
    return Error{Code::model_load_failed,
                 "model " + model + " makes vectors of " + std::to_string(own) +
                     " dimensions; its id promises " + std::to_string(wide)};
  }
  Embeddings out;
  out.dimensions = static_cast<std::int32_t>(wide);
  for (const std::int32_t count : raw.token_counts) out.usage.prompt_tokens += count;
  if (own == wide) {
    out.values = std::move(raw.values);
    return out;
  }
  out.values.resize(rows * wide);
  for (std::size_t row = 0; row < rows; ++row) {
    std::copy_n(raw.values.data() + row * own, own, out.values.data() + row * wide);
  }
  return out;
}

const std::string& prefix_of(const catalog::Resolved& model, EmbedRole role) {
  return role == EmbedRole::passage ? model.passage_prefix : model.query_prefix;
}

bool has_pictures(const GenerateTask& task) {
  return std::ranges::any_of(task.messages,
                             [](const auto& message) { return !message.pictures.empty(); });
}

// A picture is never left out in silence. Errors: model_not_installed (the projector of a model
// that is meant to see), invalid_input.
Status check_sight(const catalog::Resolved& model, const GenerateTask& task) {
  if (model.blind_because.empty() || !has_pictures(task)) return ok_status();
  const bool meant = catalog::task_is_about_pictures(model.entry->task) ||
                     std::ranges::find(model.entry->traits, "vision") != model.entry->traits.end();
  return Error{meant ? Code::model_not_installed : Code::invalid_input, model.blind_because};
}

class LocalInference : public Inference {
 public:
  LocalInference(asio::io_context& io, const InferenceOptions& options)
      : pool_(std::make_shared<RunnerPool>(io, options)) {
    pool_->start();
  }
  ~LocalInference() override { pool_->abandon(); }

  asio::awaitable<Result<std::unique_ptr<TokenStream>>> generate(const catalog::Resolved& model,
                                                                 GenerateTask task) override {
    if (const Status sees = check_sight(model, task); !sees.ok()) co_return sees.error();
    wire::Generate request;
    request.messages = std::move(task.messages);
    request.prompt = std::move(task.prompt);
    request.raw = task.raw;
    request.tokens_max = task.tokens_max;
    request.stop = std::move(task.stop);
    request.sampling = std::move(task.sampling);
    request.cut_to_window = task.cut_to_window;
    request.window_tokens = task.window_tokens;
    request.adapter = std::move(task.adapter.path);
    request.chat = std::move(task.chat);
    auto submitted = pool_->submit(model, wire::ModelKind::text_generation,
                                   Task::Request(std::move(request)), task.refuse_when_busy);
    SEL_CO_TRY(handle, std::move(submitted));
    if (task.given_up) {
      handle->when_given_up([told = std::move(task.given_up)](const wire::Finished& finished) {
        told(usage_of(finished));
      });
    }
    std::unique_ptr<TokenStream> stream =
        std::make_unique<LocalTokenStream>(std::move(handle), model.answered_by);
    co_return stream;
  }

  asio::awaitable<Result<Embeddings>> embed(const catalog::Resolved& model,
                                            EmbedTask task) override {
    const std::string name = model.answered_by;
    const std::int32_t promised = model.entry->output_dimensions;
    const std::size_t rows = task.texts.size();
    const std::string& prefix = prefix_of(model, task.role);
    wire::Embed request;
    request.pooling = task.pooling;
    request.texts = std::move(task.texts);
    if (!prefix.empty()) {
      for (std::string& text : request.texts) text.insert(0, prefix);
    }
    auto submitted = pool_->submit(model, wire::ModelKind::embedding,
                                   Task::Request(std::move(request)), task.refuse_when_busy);
    SEL_CO_TRY(handle, std::move(submitted));
    auto outcome = co_await handle->wait_outcome();
    SEL_CO_TRY(end, std::move(outcome));
    auto* raw = std::get_if<wire::Embeddings>(&end);
    if (raw == nullptr) co_return unexpected_outcome(name);
    co_return padded(std::move(*raw), rows, promised, name);
  }

  asio::awaitable<Result<TokenSpans>> tokenize(const catalog::Resolved& model,
                                               std::string text) override {
    const std::string name = model.answered_by;
    const auto kind = model.entry->task == catalog::Task::text_embeddings
                          ? wire::ModelKind::embedding
                          : wire::ModelKind::text_generation;
    wire::Tokenize request;
    request.text = std::move(text);
    auto submitted = pool_->submit(model, kind, Task::Request(std::move(request)));
    SEL_CO_TRY(handle, std::move(submitted));
    auto outcome = co_await handle->wait_outcome();
    SEL_CO_TRY(end, std::move(outcome));
    auto* tokens = std::get_if<wire::Tokens>(&end);
    if (tokens == nullptr) co_return unexpected_outcome(name);
    co_return TokenSpans{std::move(tokens->ids), std::move(tokens->ends)};
  }

  asio::awaitable<Result<Ranks>> rank(const catalog::Resolved& model, RankTask task) override {
    const std::string name = model.answered_by;
    const std::size_t rows = task.texts.size();
    wire::Rank request;
    request.query = std::move(task.query);
    request.texts = std::move(task.texts);
    auto submitted = pool_->submit(model, wire::ModelKind::ranking,
                                   Task::Request(std::move(request)), task.refuse_when_busy);
    SEL_CO_TRY(handle, std::move(submitted));
    auto outcome = co_await handle->wait_outcome();
    SEL_CO_TRY(end, std::move(outcome));
    auto* raw = std::get_if<wire::Ranks>(&end);
    if (raw == nullptr) co_return unexpected_outcome(name);
    const std::size_t columns = std::max<std::size_t>(raw->labels.size(), 1);
    if (raw->scores.size() != rows * columns) co_return unexpected_outcome(name);
    Ranks ranks;
    ranks.scores = std::move(raw->scores);
    ranks.labels = std::move(raw->labels);
    for (const std::int32_t count : raw->token_counts) ranks.usage.prompt_tokens += count;
    co_return ranks;
  }

  asio::awaitable<Result<std::unique_ptr<TranscribeStream>>> transcribe(
      const catalog::Resolved& model, TranscribeTask task) override {
    auto submitted = pool_->submit(model, wire::ModelKind::speech,
                                   Task::Request(std::move(task.request)), task.refuse_when_busy);
    SEL_CO_TRY(handle, std::move(submitted));
    std::unique_ptr<TranscribeStream> stream =
        std::make_unique<LocalWorkStream<wire::Transcript>>(std::move(handle), model.answered_by);
    co_return stream;
  }

  asio::awaitable<Result<std::unique_ptr<DrawStream>>> draw(const catalog::Resolved& model,
                                                            DrawTask task) override {
    auto submitted = pool_->submit(model, wire::ModelKind::image,
                                   Task::Request(std::move(task.request)), task.refuse_when_busy);
    SEL_CO_TRY(handle, std::move(submitted));
    std::unique_ptr<DrawStream> stream =
        std::make_unique<LocalWorkStream<wire::Picture>>(std::move(handle), model.answered_by);
    co_return stream;
  }

  std::vector<RunnerStatus> status() const override { return pool_->status(); }

  asio::awaitable<void> shut_down() override { return pool_->shut_down(); }

 private:
  std::shared_ptr<RunnerPool> pool_;
};

}  // namespace

std::unique_ptr<Inference> create_inference(asio::io_context& io, InferenceOptions options) {
  if (options.cores <= 0) options.cores = machine_cores();
  if (options.memory_bytes == 0) options.memory_bytes = machine_memory_bytes() / 10 * 7;
  return std::make_unique<LocalInference>(io, options);
}

}  // namespace selvedge::inference
