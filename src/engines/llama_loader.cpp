// LlamaLoader: model, engine, facts.
#include "engines/llama_loader.h"

#include <memory>
#include <utility>

#include "engines/engine_log.h"
#include "engines/llama_embedding.h"
#include "engines/llama_model.h"
#include "engines/llama_ranking.h"
#include "engines/llama_text.h"

namespace selvedge::engines {
namespace {

template <class LlamaEngine>
Result<LoadedEngine> open_engine(const wire::Load& load, EngineLog& log,
                                 const LoadProgress& progress) {
  SEL_TRY(opened, LlamaModel::open(load.model_path, log, progress));
  const std::shared_ptr<const LlamaModel> model = std::move(opened);
  SEL_TRY(engine, LlamaEngine::open(model, load));
  wire::Loaded facts = model->facts();
  facts.context_tokens = engine->context_tokens();
  return LoadedEngine{std::move(engine), std::move(facts)};
}

}  // namespace

Loader llama_loader(EngineLog& log) {
  return [&log](const wire::Load& load, const LoadProgress& progress) {
    llama_backend_init();
    if (load.kind == wire::ModelKind::embedding) {
      return open_engine<LlamaEmbedding>(load, log, progress);
    }
    if (load.kind == wire::ModelKind::ranking) {
      return open_engine<LlamaRanking>(load, log, progress);
    }
    return open_engine<LlamaText>(load, log, progress);
  };
}

}  // namespace selvedge::engines
