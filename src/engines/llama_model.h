// LlamaModel: a model file opened by llama.cpp, its vocabulary and its metadata.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engines/engine.h"
#include "engines/vocabulary_texts.h"
#include "llama-cpp.h"
#include "wire/messages.h"

namespace selvedge::engines {

class EngineLog;

// Token ids are llama.cpp's. Immutable after open().
class LlamaModel {
  struct Private {};  // Only open() can name one.

 public:
  explicit LlamaModel(Private) {}

  // `log` is asked for the reasons of failures, and outlives the model. Errors: not_found,
  // model_load_failed, cancelled (progress said so).
  static Result<std::unique_ptr<LlamaModel>> open(const std::string& path, EngineLog& log,
                                                  const LoadProgress& progress);

  llama_model* get() const { return model_.get(); }
  const llama_vocab* vocabulary() const { return vocabulary_; }

  // A scalar of the metadata as text, empty when it is not there. "{arch}" in `key` stands for the
  // architecture.
  std::string metadata(std::string_view key) const;
  std::string architecture() const { return metadata("general.architecture"); }

  // `special`: control tokens written in `text` become those tokens; else they are text.
  // Nothing is put before or after.
  std::vector<llama_token> tokenize(std::string_view text, bool special) const;

  // The same, with the marks that the model wants around a text ([CLS], [SEP], BOS, EOS).
  std::vector<llama_token> tokenize_marked(std::string_view text) const;

  // The bytes of a token; `special`: also of control tokens, which are empty otherwise.
  std::string piece(llama_token token, bool special) const;

  // Of all tokens but ends, with control tokens as they are written. Read when first asked for.
  const VocabularyTexts& texts() const;

  bool has_attribute(llama_token token, llama_token_attr attributes) const;

  // The tokens of `text` as content, with where each ends.
  wire::Tokens tokens_of(const wire::Tokenize& task) const;

  // A LoRA adapter for this model, before which it must go. Errors: invalid_input (not one, or its
  // shapes are not this model's).
  Result<llama_adapter_lora_ptr> open_adapter(const std::string& path) const;

  // What Loaded tells, but context_tokens.
  wire::Loaded facts() const;

 private:
  std::vector<llama_token> tokenize(std::string_view text, bool marked, bool special) const;

  llama_model_ptr model_;
  EngineLog* log_ = nullptr;
  const llama_vocab* vocabulary_ = nullptr;  // Of model_.
  mutable std::once_flag texts_read_;
  mutable std::unique_ptr<const VocabularyTexts> texts_;
};

}  // namespace selvedge::engines
