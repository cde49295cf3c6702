// Weights check: the first bytes tell the format, the names of tensors what they are.
#include "catalog/weights_check.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

#include "base/safetensors_header.h"
#include "catalog/whisper_check.h"

namespace selvedge::catalog {
namespace {

constexpr std::size_t kLookBytes = 9;
constexpr std::string_view kWhisperMagic = "lmgg";

// A length that a header can have, and the brace that opens it.
bool looks_like_safetensors(std::string_view begin) {
  if (begin.size() < kLookBytes || begin[8] != '{') return false;
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, begin.data(), sizeof header_bytes);
  return header_bytes <= kSafetensorsHeaderBytesMax;
}

bool draws(const SafetensorsTensor& tensor) {
  // Whole checkpoints; the diffusion model alone, of FLUX and of the older architectures.
  for (const std::string_view begin :
       {"model.diffusion_model.", "double_blocks.", "input_blocks.", "down_blocks.", "unet."}) {
    if (tensor.name.starts_with(begin)) return true;
  }
  return false;
}

}  // namespace

Result<GgufSummary> check_weights(const std::filesystem::path& file) {
  char begin[kLookBytes] = {};
  std::ifstream in(file, std::ios::binary);
  in.read(begin, sizeof begin);
  const std::string_view read(begin, static_cast<std::size_t>(in.gcount()));
  if (read.starts_with(kWhisperMagic)) return check_whisper(file);
  if (!looks_like_safetensors(read)) return check_gguf(file);
  SEL_TRY(tensors, read_safetensors_header(file));
  GgufSummary summary;
  summary.architecture = "part";
  for (const SafetensorsTensor& tensor : tensors) {
    summary.parameters += tensor.elements;
    ++summary.tensor_count;
  }
  if (std::any_of(tensors.begin(), tensors.end(), draws)) {
    summary.architecture = "diffusion";
    summary.task = Task::text_to_image;
  }
  return summary;
}

}  // namespace selvedge::catalog
