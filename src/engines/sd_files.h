// SdFiles: which file of an image model holds what, and whether anything is missing.
#pragma once

#include <string>

#include "base/result.h"
#include "wire/messages.h"

namespace selvedge::engines {

enum class SdFamily : std::uint8_t { sd, sdxl, flux, flux2 };

// Paths; empty = none.
struct SdFiles {
  std::string checkpoint;  // Everything in one file, or what begins with "model.diffusion_model.".
  std::string diffusion;   // The same part alone, without that beginning.
  std::string clip_l;
  std::string clip_g;
  std::string t5xxl;
  std::string llm;
  std::string vae;
  std::string taesd;
  SdFamily family = SdFamily::sd;
  bool encodes = false;  // Pictures can be drawn from pictures.
};

// Reads the headers of all files of `load`. stable-diffusion.cpp opens a model without a text
// encoder, and crashes when it draws. Errors: model_load_failed (a part is missing; the message
// says which), model_unsupported (another architecture, another kind of part), file_invalid.
Result<SdFiles> find_sd_files(const wire::Load& load);

// "Stable Diffusion", "SDXL", "FLUX", "FLUX.2": general.architecture of other models.
const char* sd_family_name(SdFamily family);

}  // namespace selvedge::engines
