// LlamaEmbedding: packing, encoding, pooling.
#include "engines/llama_embedding.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

namespace selvedge::engines {
namespace {

constexpr std::int32_t kContextTokensMax = 8192;
constexpr std::size_t kPackedTokens = 512;
constexpr std::size_t kTextsPerBatch = 64;

std::int32_t window(std::int32_t asked, std::int32_t trained) {
  const std::int32_t own = std::clamp(trained, 8, kContextTokensMax);
  return asked > 0 ? std::clamp(asked, 8, own) : own;
}

bool is_encoder(const LlamaModel& model) {
  return model.metadata("{arch}.attention.causal") == "false" ||
         model.architecture().find("bert") != std::string::npos;
}

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

class LlamaEmbedding::Batch {
 public:
  explicit Batch(std::size_t tokens_max)
      : batch_(llama_batch_init(static_cast<std::int32_t>(tokens_max), 0, 1)) {}
  ~Batch() { llama_batch_free(batch_); }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  void clear() { batch_.n_tokens = 0; }
  std::size_t size() const { return static_cast<std::size_t>(batch_.n_tokens); }
  const llama_batch& get() const { return batch_; }

  void add(std::span<const llama_token> tokens, std::size_t sequence) {
    for (std::size_t at = 0; at < tokens.size(); ++at) {
      const std::int32_t row = batch_.n_tokens++;
      batch_.token[row] = tokens[at];
      batch_.pos[row] = static_cast<llama_pos>(at);
      batch_.n_seq_id[row] = 1;
      batch_.seq_id[row][0] = static_cast<llama_seq_id>(sequence);
      batch_.logits[row] = 1;
    }
  }

 private:
  llama_batch batch_;
};

LlamaEmbedding::LlamaEmbedding(Private, std::shared_ptr<const LlamaModel> model,
                               const wire::Load& load)
    : model_(std::move(model)),
      threads_(load.threads_max),
      context_tokens_(window(load.context_tokens, llama_model_n_ctx_train(model_->get()))),
      batch_tokens_(std::max(kPackedTokens, static_cast<std::size_t>(context_tokens_))),
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
  llama_context_params params = llama_context_default_params();
  params.n_ctx = static_cast<std::uint32_t>(batch_tokens_);
  params.n_batch = static_cast<std::uint32_t>(batch_tokens_);
  params.n_ubatch = static_cast<std::uint32_t>(batch_tokens_);
  params.n_seq_max = kTextsPerBatch;
  params.embeddings = true;
  params.pooling_type = LLAMA_POOLING_TYPE_NONE;
  params.attention_type = LLAMA_ATTENTION_TYPE_NON_CAUSAL;
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_AUTO;
  params.kv_unified = true;
  params.no_perf = true;
  params.n_threads = 1;
  params.n_threads_batch = 1;
  context_.reset(llama_init_from_model(model_->get(), params));
  if (!context_) return Error{Code::model_load_failed, "no memory for the encoder's context"};
  batch_ = std::make_unique<Batch>(batch_tokens_);
  return ok_status();
}

void LlamaEmbedding::set_threads(std::int32_t threads) { threads_.grant(threads); }

Status LlamaEmbedding::start_generate(wire::Generate) {
  return Error{Code::model_unsupported,
               "architecture " + model_->architecture() + ": makes no text"};
}

std::vector<llama_token> LlamaEmbedding::tokens_of_text(const std::string& text) const {
  std::vector<llama_token> tokens = model_->tokenize_marked(text);
  const auto window_tokens = static_cast<std::size_t>(context_tokens_);
  if (tokens.size() > window_tokens) {
    // The mark at the end stays: the model was trained to see it.
    const llama_token last = tokens.back();
    tokens.resize(window_tokens);
    tokens.back() = last;
  }
  return tokens;
}

Status LlamaEmbedding::start_embed(wire::Embed task) {
  auto one = std::make_unique<Task>();
  one->pooling = task.pooling;
  one->answer.task = task.task;
  one->answer.dimensions = static_cast<std::int32_t>(dimensions_);
  one->answer.values.assign(task.texts.size() * dimensions_, 0.0f);
  for (const std::string& text : task.texts) {
    one->texts.push_back(tokens_of_text(text));
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
      const bool fits =
          batch_->size() + tokens.size() <= kPackedTokens && rows.size() < kTextsPerBatch;
      if (!rows.empty() && !fits) return rows;
      rows.push_back({task.get(), task->taken, static_cast<std::int32_t>(batch_->size()),
                      static_cast<std::int32_t>(tokens.size())});
      batch_->add(tokens, rows.size() - 1);
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
    give_back_logits(batch_->size());
  }
  while (!tasks_.empty() && tasks_.front()->pooled == tasks_.front()->texts.size()) {
    events.push_back(std::move(tasks_.front()->answer));
    tasks_.pop_front();
  }
  return ok_status();
}

// llama.cpp sets aside, and clears, logits for every token of the largest batch so far: with a
// vocabulary of 250,000 tokens half a gigabyte, which an encoder never writes. Its pages go back to
// the kernel; should they ever be read they are zero, as before.
void LlamaEmbedding::give_back_logits(std::size_t batch_tokens) {
  if (batch_tokens <= largest_batch_tokens_) return;
  largest_batch_tokens_ = batch_tokens;
  const float* logits = llama_get_logits(context_.get());
  if (logits == nullptr) return;
  const auto vocabulary_tokens =
      static_cast<std::size_t>(llama_vocab_n_tokens(model_->vocabulary()));
  const auto page_bytes = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(logits);
  const auto end = begin + batch_tokens * vocabulary_tokens * sizeof(float);
  const auto first_page = (begin + page_bytes - 1) / page_bytes * page_bytes;
  const auto last_page = end / page_bytes * page_bytes;
  if (first_page >= last_page) return;
  // Failing costs memory and nothing else.
  ::madvise(reinterpret_cast<void*>(first_page), last_page - first_page, MADV_DONTNEED);
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
