// Adapter check: reads the two files of a LoRA adapter with suspicion, before anything is made of
// them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/safetensors_header.h"

namespace selvedge::catalog {

// The only names that the files of an adapter may have.
inline constexpr std::string_view kAdapterConfigName = "adapter_config.json";
inline constexpr std::string_view kAdapterWeightsName = "adapter_model.safetensors";

// What is asked of adapter_config.json beside its form.
struct AdapterBounds {
  std::uint32_t rank_max = 0;
  bool model_type_needed = false;  // "mistral", "gemma" or "llama", which people add by hand.
};

struct AdapterConfig {
  std::uint32_t rank = 0;
};

// Holds for every text that passes: a JSON object of at most 1 MiB with `peft_type` "LORA" and a
// whole number `r` from 1 to `bounds.rank_max`. Errors: file_invalid (the message names what is
// wrong). Source: docs/compatibility.md#fine-tunes; PEFT's LoraConfig.
Result<AdapterConfig> check_adapter_config(std::string_view text, const AdapterBounds& bounds);

// `bytes` is the whole file. Holds for every one that passes: a header of at most 4 MiB that
// parse_safetensors_header() lets pass; at least one tensor bears "lora" in its name. Looks at
// nothing behind the header. The tensors come in the order of their names, their places counted
// from the beginning of the file. Errors: file_invalid.
Result<std::vector<SafetensorsTensor>> adapter_tensors(std::string_view bytes);

}  // namespace selvedge::catalog
