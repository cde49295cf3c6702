// Rules of the hosted service, as published or seen until October 2026.
#include "api/rules.h"

#include <algorithm>
#include <string_view>

namespace selvedge::api {
namespace {

constexpr std::string_view kSwitch = kStrictHeader;
// The same, as a Worker's binding wrote it that was forwarded.
constexpr std::string_view kForwardedSwitch = "mf-header-selvedge-strict";

bool same_name(std::string_view name, std::string_view lower_case) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(name, lower_case, {}, lower);
}

}  // namespace

Rules hosted_rules() {
  Rules rules;
  rules.hosted = true;
  rules.token_wanted = true;
  rules.retired_models_served = false;
  rules.inputs_lenient = false;
  rules.content_may_lack = false;
  rules.json_streams = false;
  rules.every_model_batches = false;
  rules.gateway_named = true;
  rules.windows_published = true;
  rules.model_names_exact = true;
  rules.openai_tokens_default = limits::max_tokens_default;
  rules.openai_embed_texts_max = limits::embed_texts_max;
  rules.openai_content_chars_max = limits::prompt_chars_max;
  rules.finetunes_per_account_max = 30;
  rules.adapter_rank_max = 32;
  rules.adapter_names_its_model_type = true;
  rules.dimensions_min = 32;
  rules.dimensions_max = 1'536;
  rules.indexes_per_account_max = 50'000;
  rules.index_names_plain = true;
  rules.v1_indexes_made = false;
  rules.vectors_per_index_max = 20'000'000;
  rules.namespaces_per_index_max = 50'000;
  rules.vectors_per_write_max = 5'000;
  rules.binding_vectors_per_write_max = 1'000;
  rules.write_bytes_max = 100'000'000;
  rules.top_k_max = 100;
  rules.top_k_full_max = 50;
  rules.top_k_v1_max = 20;
  rules.get_ids_max = 20;
  rules.delete_ids_max = 100;
  rules.metadata_indexes_max = 10;
  rules.metadata_index_takes_written = false;
  return rules;
}

Result<std::optional<bool>> asked_strictness(const http::Request& request) {
  std::optional<bool> asked;
  for (const auto& [name, value] : request.headers.all()) {
    if (!same_name(name, kSwitch) && !same_name(name, kForwardedSwitch)) continue;
    const bool strict = value == "true";
    if ((!strict && value != "false") || (asked && *asked != strict)) {
      return Error{Code::invalid_input, "selvedge-strict must be true or false, and only one"};
    }
    asked = strict;
  }
  return asked;
}

}  // namespace selvedge::api
