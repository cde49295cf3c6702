// Weights check: what a file of weights of any known format says of itself.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "catalog/gguf_check.h"

namespace selvedge::catalog {

// A GGUF as check_gguf says, a file of whisper.cpp as check_whisper does. A safetensors file, by
// its header (base/safetensors_header.h), is the weights of a model that draws (`architecture`
// "diffusion"), or a part of one (task `other`, architecture "part"); its `version` is 0. Errors:
// as check_gguf; file_invalid also for other formats: PyTorch's pickles can hold programs.
Result<GgufSummary> check_weights(const std::filesystem::path& file);

}  // namespace selvedge::catalog
