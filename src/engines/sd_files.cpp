// SdFiles: names of tensors decide.
#include "engines/sd_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string_view>
#include <vector>

#include "base/safetensors_header.h"
#include "ggml.h"
#include "gguf.h"

namespace selvedge::engines {
namespace {

using Names = std::vector<std::string>;

bool is_gguf(const std::string& path) {
  char magic[4] = {};
  std::ifstream(path, std::ios::binary).read(magic, sizeof magic);
  return std::string_view(magic, sizeof magic) == "GGUF";
}

Result<Names> gguf_names(const std::string& path) {
  struct Free {
    void operator()(gguf_context* context) const { gguf_free(context); }
  };
  const std::unique_ptr<gguf_context, Free> file(
      gguf_init_from_file(path.c_str(), {/*no_alloc=*/true, /*ctx=*/nullptr}));
  if (!file) return Error{Code::file_invalid, "the file is no sound GGUF"};
  Names names;
  for (std::int64_t at = 0; at < gguf_get_n_tensors(file.get()); ++at) {
    names.emplace_back(gguf_get_tensor_name(file.get(), at));
  }
  return names;
}

// Other formats that the library reads can hold programs (PyTorch's pickles): they are not opened.
Result<Names> names_in(const std::string& path) {
  if (is_gguf(path)) return gguf_names(path);
  SEL_TRY(tensors, read_safetensors_header(path));
  Names names;
  for (SafetensorsTensor& tensor : tensors) names.push_back(std::move(tensor.name));
  return names;
}

bool any_holds(const Names& names, std::string_view part) {
  return std::any_of(names.begin(), names.end(),
                     [part](const std::string& name) { return name.find(part) != name.npos; });
}

bool any_begins(const Names& names, std::string_view part) {
  return std::any_of(names.begin(), names.end(),
                     [part](const std::string& name) { return name.starts_with(part); });
}

Error missing(const wire::Load& load, const char* what, const char* roles) {
  return Error{Code::model_load_failed,
               "\"" + std::filesystem::path(load.model_path).filename().string() + "\" holds no " +
                   what + ", and no file for it came along (part " + roles + ")"};
}

Result<SdFamily> family_of(const Names& names, const SdFiles& files) {
  const bool flux = any_holds(names, "double_blocks.");
  // Relatives that are conditioned otherwise.
  const bool relative =
      any_holds(names, "distilled_guidance_layer") || any_holds(names, "img_mlp.gate_proj");
  if (flux && !relative) {
    return any_holds(names, "double_stream_modulation_img") ? SdFamily::flux2 : SdFamily::flux;
  }
  const bool unet = any_holds(names, "input_blocks.") || any_holds(names, "down_blocks.");
  if (!unet || flux) {
    return Error{Code::model_unsupported,
                 "the weights are of no architecture that is served: Stable Diffusion 1 and 2, "
                 "SDXL, FLUX.1 and FLUX.2 are"};
  }
  const bool two_encoders = any_holds(names, "conditioner.embedders.1") ||
                            any_holds(names, "cond_stage_model.1") || any_holds(names, "te.1") ||
                            !files.clip_g.empty();
  return two_encoders ? SdFamily::sdxl : SdFamily::sd;
}

// The text encoder is a language model of which some layers are looked at; the library does not
// look whether they are there.
Status check_language_model(const wire::Load& load, const Names& names, const SdFiles& files) {
  Names of_model;
  if (files.llm.empty()) {
    if (!any_begins(names, "text_encoders.llm.")) return missing(load, "text encoder", "llm");
    of_model = names;
  } else {
    SEL_TRY(of_part, names_in(files.llm));
    of_model = std::move(of_part);
  }
  // Of the two models that there are the larger one has 48 single blocks.
  const bool large = any_holds(names, "single_blocks.47.");
  const char* layer = large ? "30." : "27.";
  if (any_holds(of_model, std::string("layers.") + layer) ||
      any_holds(of_model, std::string("blk.") + layer)) {
    return ok_status();
  }
  return Error{Code::model_load_failed,
               std::string("the text encoder (part llm) is not the one that these weights need: ") +
                   (large ? "Mistral Small 3.2" : "Qwen3 of 4 or 8 billion parameters")};
}

Status check_decoder(const wire::Load& load, const Names& names, const SdFiles& files) {
  const bool own = any_begins(names, "first_stage_model.") || any_begins(names, "vae.");
  if (own || !files.vae.empty() || !files.taesd.empty()) return ok_status();
  return missing(load, "decoder of pictures", "vae or taesd");
}

Status check_whole(const wire::Load& load, const Names& names, const SdFiles& files) {
  if (files.family == SdFamily::flux2) {
    SEL_CHECK_OK(check_language_model(load, names, files));
    return check_decoder(load, names, files);
  }
  const bool own_encoder = any_holds(names, "cond_stage_model.") ||
                           any_holds(names, "conditioner.embedders.") || any_begins(names, "te.") ||
                           any_begins(names, "text_model.") || any_begins(names, "text_encoders.");
  if (!own_encoder && files.clip_l.empty()) {
    const bool flux = files.family == SdFamily::flux;
    // FLUX draws with either of its two encoders, worse.
    if (!flux || files.t5xxl.empty()) {
      return missing(load, "text encoder", flux ? "clip_l and t5xxl" : "clip_l");
    }
  }
  if (!own_encoder && files.family == SdFamily::sdxl && files.clip_g.empty()) {
    return missing(load, "second text encoder", "clip_g");
  }
  return check_decoder(load, names, files);
}

Status take_parts(const wire::Load& load, SdFiles& files) {
  struct Role {
    const char* name;
    std::string* path;
  };
  const Role roles[] = {{"clip_l", &files.clip_l}, {"clip_g", &files.clip_g},
                        {"t5xxl", &files.t5xxl},   {"llm", &files.llm},
                        {"vae", &files.vae},       {"taesd", &files.taesd}};
  for (const wire::ModelPart& part : load.parts) {
    const auto* const role = std::find_if(std::begin(roles), std::end(roles),
                                          [&](const Role& one) { return part.role == one.name; });
    if (role == std::end(roles)) {
      return Error{Code::model_unsupported, "a model that draws has no part \"" + part.role + "\""};
    }
    *role->path = part.path;
  }
  return ok_status();
}

Result<bool> encodes(const Names& names, const SdFiles& files) {
  // The tiny decoder is used for both directions when it is there.
  const std::string& own = !files.taesd.empty() ? files.taesd : files.vae;
  if (own.empty()) {
    return any_holds(names, "first_stage_model.encoder") || any_begins(names, "vae.encoder");
  }
  SEL_TRY(part, names_in(own));
  return any_begins(part, "encoder.") || any_holds(part, ".encoder.");
}

}  // namespace

Result<SdFiles> find_sd_files(const wire::Load& load) {
  SdFiles files;
  SEL_CHECK_OK(take_parts(load, files));
  SEL_TRY(names, names_in(load.model_path));
  SEL_TRY(family, family_of(names, files));
  files.family = family;
  SEL_CHECK_OK(check_whole(load, names, files));
  for (const wire::ModelPart& part : load.parts) {
    SEL_TRY(of_part, names_in(part.path));
  }
  SEL_TRY(both_ways, encodes(names, files));
  files.encodes = both_ways;
  const bool bare = any_begins(names, "double_blocks.") || any_begins(names, "input_blocks.") ||
                    any_begins(names, "down_blocks.");
  (bare ? files.diffusion : files.checkpoint) = load.model_path;
  return files;
}

const char* sd_family_name(SdFamily family) {
  switch (family) {
    case SdFamily::sdxl:
      return "SDXL";
    case SdFamily::flux:
      return "FLUX";
    case SdFamily::flux2:
      return "FLUX.2";
    default:
      return "Stable Diffusion";
  }
}

}  // namespace selvedge::engines
