// Rules: what one request is held to, ours or those of the hosted service.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "base/limits.h"
#include "http/message.h"

namespace selvedge::api {

// The request's own switch, and the echo of answers that were judged by the hosted rules.
inline constexpr const char* kStrictHeader = "selvedge-strict";

// The defaults are generous. They bound and refuse what a request asks for, and change nothing that
// is stored. Sources of hosted_rules(): docs/compatibility.md#strict-mode.
struct Rules {
  bool hosted = false;
  bool token_wanted = false;  // Some credential must come with REST and OpenAI calls.

  // Workers AI.
  bool retired_models_served = true;  // Else they answer model_deprecated.
  bool inputs_lenient = true;         // See SchemaCheck.
  bool json_streams = true;           // JSON mode and `stream` at once, on `ai/run`.
  bool content_may_lack = true;       // Of an assistant's or a tool's turn.
  bool every_model_batches = true;    // Else those marked `async_queue`.
  bool gateway_named = false;         // POST …/ai/run names a gateway in its header.
  bool windows_published = false;     // A model's window is the published one, if ours is larger.
  bool model_names_exact = false;     // `@cf/…` alone, on the OpenAI paths.
  std::int32_t openai_tokens_default = 0;      // On plain /v1; 0 = as OpenAI's clients expect.
  std::size_t openai_embed_texts_max = 2'048;  // OpenAI's.
  std::size_t openai_content_chars_max = 1'048'576;  // Of one message; OpenAI's.

  // Fine-tunes.
  std::size_t finetunes_per_account_max = limits::finetunes_per_account_max;
  std::uint32_t adapter_rank_max = limits::adapter_rank_max;
  bool adapter_names_its_model_type = false;  // In adapter_config.json.

  // Vectorize.
  std::uint32_t dimensions_min = limits::dimensions_min;
  std::uint32_t dimensions_max = limits::dimensions_max;
  std::size_t indexes_per_account_max = limits::indexes_per_account_max;
  bool index_names_plain = false;  // [a-z][a-z0-9_-]*
  bool v1_indexes_made = true;     // By the paths of v1.
  // Vectors that are replaced take places for a while, too.
  std::size_t vectors_per_index_max = limits::vectors_per_index_max / 16 * 15;
  std::size_t namespaces_per_index_max = std::numeric_limits<std::size_t>::max();
  std::size_t vectors_per_write_max = limits::vectors_per_write_max;
  std::size_t binding_vectors_per_write_max = limits::vectors_per_write_max;
  std::size_t write_bytes_max = limits::vectors_body_bytes_max;
  std::size_t top_k_max = limits::top_k_max;
  std::size_t top_k_full_max = limits::top_k_max;  // With values, or with all metadata.
  std::size_t top_k_v1_max = limits::top_k_max;
  std::size_t get_ids_max = limits::ids_per_call_max;
  std::size_t delete_ids_max = limits::ids_per_call_max;
  std::size_t metadata_indexes_max = limits::metadata_indexes_max;
  bool metadata_index_takes_written = true;  // Vectors written before the index was made.
};

Rules hosted_rules();

// What the request itself asks for, in `selvedge-strict` or, behind a forwarding Worker,
// `mf-header-selvedge-strict`: true or false; nullopt = the server's own. Errors: invalid_input
// (another value, or several that differ).
Result<std::optional<bool>> asked_strictness(const http::Request& request);

}  // namespace selvedge::api
