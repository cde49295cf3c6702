// EncoderBatch: rows of llama.cpp's batch, and the context they are computed in.
#include "engines/encoder_batch.h"

#include <algorithm>

#include <sys/mman.h>
#include <unistd.h>

namespace selvedge::engines {
namespace {

constexpr std::int32_t kContextTokensMax = 8192;

}  // namespace

EncoderBatch::EncoderBatch(std::size_t tokens_max)
    : batch_(llama_batch_init(static_cast<std::int32_t>(tokens_max), 0, 1)) {}

EncoderBatch::~EncoderBatch() { llama_batch_free(batch_); }

void EncoderBatch::clear() {
  batch_.n_tokens = 0;
  texts_ = 0;
}

bool EncoderBatch::fits(std::size_t tokens) const {
  return texts_ == 0 || (size() + tokens <= kPackedTokens && texts_ < kTextsMax);
}

void EncoderBatch::add(std::span<const llama_token> tokens) {
  for (std::size_t at = 0; at < tokens.size(); ++at) {
    const std::int32_t row = batch_.n_tokens++;
    batch_.token[row] = tokens[at];
    batch_.pos[row] = static_cast<llama_pos>(at);
    batch_.n_seq_id[row] = 1;
    batch_.seq_id[row][0] = static_cast<llama_seq_id>(texts_);
    batch_.logits[row] = 1;
  }
  ++texts_;
}

Result<llama_context_ptr> open_encoder_context(const LlamaModel& model, std::size_t tokens_max,
                                               enum llama_pooling_type pooling) {
  llama_context_params params = llama_context_default_params();
  params.n_ctx = static_cast<std::uint32_t>(tokens_max);
  params.n_batch = static_cast<std::uint32_t>(tokens_max);
  params.n_ubatch = static_cast<std::uint32_t>(tokens_max);
  params.n_seq_max = EncoderBatch::kTextsMax;
  params.embeddings = true;
  params.pooling_type = pooling;
  params.attention_type = LLAMA_ATTENTION_TYPE_NON_CAUSAL;
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_AUTO;
  params.kv_unified = true;
  params.no_perf = true;
  params.n_threads = 1;
  params.n_threads_batch = 1;
  llama_context_ptr context(llama_init_from_model(model.get(), params));
  if (!context) return Error{Code::model_load_failed, "no memory for the encoder's context"};
  return context;
}

std::int32_t encoder_window(const LlamaModel& model, std::int32_t asked) {
  const std::int32_t own = std::clamp(llama_model_n_ctx_train(model.get()), 8, kContextTokensMax);
  return asked > 0 ? std::clamp(asked, 8, own) : own;
}

std::vector<llama_token> encoder_tokens(const LlamaModel& model, const std::string& text,
                                        std::int32_t tokens_max) {
  std::vector<llama_token> tokens = model.tokenize_marked(text);
  if (tokens.size() <= static_cast<std::size_t>(tokens_max)) return tokens;
  const llama_token last = tokens.back();
  tokens.resize(static_cast<std::size_t>(tokens_max));
  tokens.back() = last;
  return tokens;
}

bool is_encoder(const LlamaModel& model) {
  return model.metadata("{arch}.attention.causal") == "false" ||
         model.architecture().find("bert") != std::string::npos;
}

void UnusedLogits::give_back(llama_context* context, const LlamaModel& model,
                             std::size_t batch_tokens) {
  if (batch_tokens <= largest_batch_tokens_) return;
  largest_batch_tokens_ = batch_tokens;
  const float* logits = llama_get_logits(context);
  if (logits == nullptr) return;
  const auto vocabulary_tokens = static_cast<std::size_t>(llama_vocab_n_tokens(model.vocabulary()));
  const auto page_bytes = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(logits);
  const auto end = begin + batch_tokens * vocabulary_tokens * sizeof(float);
  const auto first_page = (begin + page_bytes - 1) / page_bytes * page_bytes;
  const auto last_page = end / page_bytes * page_bytes;
  if (first_page >= last_page) return;
  // Failing costs memory and nothing else.
  ::madvise(reinterpret_cast<void*>(first_page), last_page - first_page, MADV_DONTNEED);
}

}  // namespace selvedge::engines
