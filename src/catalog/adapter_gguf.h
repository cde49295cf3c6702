// Adapter GGUF: a LoRA adapter of PEFT's two files as the one file that llama.cpp loads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace selvedge::catalog {

// What of a base model an adapter's form hangs on.
struct AdapterBase {
  std::string architecture;    // As GGUF names it: "llama", "gemma2" ...
  std::uint32_t heads = 0;     // Of attention.
  std::uint32_t kv_heads = 0;  // Of keys and values.
};

// The whole GGUF file. `config` and `weights` are adapter_config.json and
// adapter_model.safetensors: anything at all, they are checked here. Tensors stay F32 or F16, BF16
// becomes F32. Of llama models the rows of the query's and key's matrices are put into the order of
// llama.cpp's rotations. Whether the shapes fit the base is for llama.cpp to find out.
// Errors: file_invalid (the message names the file and the tensor), invalid_input (its rows are not
// those of the base's heads), lora_unsupported (the
// architecture takes no adapters here).
// Source: llama.cpp's convert_lora_to_gguf.py, src/llama-adapter.cpp; PEFT's LoraConfig.
Result<std::string> adapter_gguf(std::string_view config, std::string_view weights,
                                 const AdapterBase& base);

// The path of the converted adapter for the model file `base`, whose SHA-256 is `base_sha256`; made
// of the two files in `folder` where it is not there yet. Blocks; several calls for one folder may
// run at once. Errors: those of adapter_gguf, finetune_incomplete, io.
Result<std::filesystem::path> converted_adapter(const std::filesystem::path& folder,
                                                const std::filesystem::path& base,
                                                std::string_view base_sha256);

}  // namespace selvedge::catalog
