// LlamaEmbedding: embeddings of texts over llama.cpp, by encoder models of the BERT family.
#pragma once

#include <cstddef>
#include <memory>

#include "engines/encoder_engine.h"

namespace selvedge::engines {

// The context gives the tokens' own vectors; they are pooled here, so that one context serves both
// kinds of pooling.
class LlamaEmbedding final : public EncoderEngine {
 public:
  // Errors: model_unsupported (not an encoder), model_load_failed.
  static Result<std::unique_ptr<LlamaEmbedding>> open(std::shared_ptr<const LlamaModel> model,
                                                      const wire::Load& load);

  Status start_generate(wire::Generate task) override;
  Status start_embed(wire::Embed task) override;

 private:
  struct Texts;
  struct Private {};

 public:
  // For open().
  LlamaEmbedding(Private, std::shared_ptr<const LlamaModel> model, const wire::Load& load);

 private:
  Status take(const Row& row) override;

  std::size_t dimensions_;
};

}  // namespace selvedge::engines
