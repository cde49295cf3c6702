// SdLoader: engine, facts.
#include "engines/sd_loader.h"

#include <memory>
#include <utility>

#include "engines/sd_drawing.h"

namespace selvedge::engines {

Loader sd_loader(SdLog& log) {
  return [&log](const wire::Load& load, const LoadProgress& progress) -> Result<LoadedEngine> {
    SEL_TRY(engine, SdDrawing::open(load, log, progress));
    wire::Loaded facts = engine->facts();
    return LoadedEngine{std::move(engine), std::move(facts)};
  };
}

}  // namespace selvedge::engines
