// Rules: the bounds that a server holds its clients to, ours or those of the hosted service.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/limits.h"

namespace selvedge::api {

// The defaults are generous. Sources of hosted_rules(): docs/compatibility.md#limits.
struct Rules {
  bool hosted = false;

  // Workers AI.
  bool retired_models_served = true;  // Else they answer model_deprecated.

  // Fine-tunes.
  std::size_t finetunes_per_account_max = limits::finetunes_per_account_max;
  std::uint32_t adapter_rank_max = limits::adapter_rank_max;
  bool adapter_names_its_model_type = false;  // In adapter_config.json.

  // Vectorize.
  std::uint32_t dimensions_min = limits::dimensions_min;
  std::uint32_t dimensions_max = limits::dimensions_max;
  std::size_t indexes_per_account_max = limits::indexes_per_account_max;
  std::size_t vectors_per_write_max = limits::vectors_per_write_max;
  std::size_t top_k_max = limits::top_k_max;
  std::size_t top_k_full_max = limits::top_k_max;  // With values, or with all metadata.
  std::size_t get_ids_max = limits::ids_per_call_max;
  std::size_t delete_ids_max = limits::ids_per_call_max;
  std::size_t metadata_indexes_max = limits::metadata_indexes_max;
  bool metadata_index_takes_written = true;  // Vectors written before the index was made.
};

Rules hosted_rules();

}  // namespace selvedge::api
