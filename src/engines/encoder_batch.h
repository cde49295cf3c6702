// EncoderBatch: whole texts side by side, which an encoder computes at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engines/llama_model.h"

namespace selvedge::engines {

class EncoderBatch {
 public:
  // Attention runs over the whole batch: larger ones are slower.
  static constexpr std::size_t kPackedTokens = 512;
  static constexpr std::size_t kTextsMax = 64;

  // `tokens_max`: of one text or all together.
  explicit EncoderBatch(std::size_t tokens_max);
  ~EncoderBatch();
  EncoderBatch(const EncoderBatch&) = delete;
  EncoderBatch& operator=(const EncoderBatch&) = delete;

  void clear();
  std::size_t size() const { return static_cast<std::size_t>(batch_.n_tokens); }
  std::size_t texts() const { return texts_; }
  const llama_batch& get() const { return batch_; }

  // A text that is alone always fits.
  bool fits(std::size_t tokens) const;

  // The text becomes sequence number texts(), as it was before the call.
  void add(std::span<const llama_token> tokens);

 private:
  llama_batch batch_;
  std::size_t texts_ = 0;
};

// A context for batches of up to `tokens_max` tokens. Errors: model_load_failed.
Result<llama_context_ptr> open_encoder_context(const LlamaModel& model, std::size_t tokens_max,
                                               enum llama_pooling_type pooling);

// Tokens that one text may have, marks included; `asked` 0: as the model says.
std::int32_t encoder_window(const LlamaModel& model, std::int32_t asked);

// The tokens of a text with the marks that the model wants, at most `tokens_max`: the mark at the
// end stays, since the model was trained to see it.
std::vector<llama_token> encoder_tokens(const LlamaModel& model, const std::string& text,
                                        std::int32_t tokens_max);

bool is_encoder(const LlamaModel& model);

// llama.cpp sets aside, and clears, logits for every token of the largest batch so far: with a
// vocabulary of 250,000 tokens half a gigabyte, which an encoder never writes. Its pages go back to
// the kernel; should they ever be read they are zero, as before.
class UnusedLogits {
 public:
  // After each batch.
  void give_back(llama_context* context, const LlamaModel& model, std::size_t batch_tokens);

 private:
  std::size_t largest_batch_tokens_ = 0;
};

}  // namespace selvedge::engines
