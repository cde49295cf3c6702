// Fine-tune routes: LoRA adapters are made, filled with their two files, listed and removed.
#pragma once

#include "api/context.h"
#include "api/router.h"

namespace selvedge::api {

// POST, GET …/ai/finetunes; GET …/ai/finetunes/public; POST …/ai/finetunes/{id or name}/
// finetune-assets (multipart: `file_name`, `file`); DELETE …/ai/finetunes/{id or name} (ours).
// `context` outlives the router. Source: docs/compatibility.md#fine-tunes.
void add_finetune_routes(Router& router, const ApiContext& context);

}  // namespace selvedge::api
