// Names of the codes, and the end of a process that broke its own promise.
#include "base/result.h"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace selvedge {
namespace {
constexpr std::array<const char*, kCodeCount> kCodeNames = {
    "invalid_json",
    "invalid_input",
    "unknown_content_type",
    "body_too_large",
    "missing_body",
    "route_not_found",
    "method_not_allowed",
    "host_not_allowed",
    "unauthorized",
    "model_not_found",
    "model_not_installed",
    "model_unsupported",
    "model_deprecated",
    "model_load_failed",
    "model_crashed",
    "context_overflow",
    "memory_budget_exceeded",
    "queue_full",
    "daily_budget_used",
    "deadline_exceeded",
    "cancelled",
    "finetune_not_found",
    "too_many_finetunes",
    "lora_unsupported",
    "finetune_incomplete",
    "index_not_found",
    "index_deleted",
    "index_already_exists",
    "index_config_invalid",
    "query_dimension_mismatch",
    "dimension_mismatch",
    "id_invalid",
    "too_many_ids",
    "too_many_vectors",
    "top_k_out_of_range",
    "top_k_full_out_of_range",
    "metadata_too_large",
    "metadata_key_invalid",
    "vectors_unparsable",
    "query_invalid",
    "vector_not_found",
    "cursor_invalid",
    "metadata_index_invalid",
    "metadata_index_not_found",
    "too_many_metadata_indexes",
    "index_full",
    "knowledge_not_found",
    "not_found",
    "already_exists",
    "checksum_mismatch",
    "download_failed",
    "file_invalid",
    "corrupt_data",
    "io",
    "unavailable",
    "client_too_old",
    "not_served",
    "json_mode_unmet",
    "internal",
};
}  // namespace

const char* code_name(Code code) {
  const auto at = static_cast<std::size_t>(code);
  return at < kCodeNames.size() ? kCodeNames[at] : "unknown";
}

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "selvedge: broken promise: %s at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace selvedge
