// Price: what a task costs in neurons, at the published prices of the model that was asked for.
#pragma once

#include <cstdint>

#include "catalog/catalog.h"
#include "inference/inference.h"

namespace selvedge::inference {

// Cached tokens cost their own price, or, where none is published, that of the input. Labels of a
// picture cost by the picture.
double neurons_of(const catalog::ModelEntry& entry, const Usage& usage);

double neurons_of_audio(const catalog::ModelEntry& entry, double seconds);

// By the units that are published: each tile of 512 x 512 pixels that is begun costs its own price
// and that of each step, as was measured of flux-1-schnell; others are paid by the megapixel.
// Pictures that it took up have prices of their own.
double neurons_of_picture(const catalog::ModelEntry& entry, const wire::Picture& picture,
                          std::int32_t steps);

}  // namespace selvedge::inference
