// Hub: repositories of models on huggingface.co, or on a server that stands in for it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/weights_set.h"

namespace selvedge::catalog {

// "hf:owner/repository" or "hf:owner/repository/path/of/a/file".
struct HubReference {
  std::string repository;  // "owner/repository"
  std::string file;        // Empty: the whole of it.
};

// Nothing where `text` does not begin with "hf:". Errors: invalid_input.
Result<std::optional<HubReference>> parse_hub_reference(std::string_view text);

// Blocks.
class Hub {
 public:
  // The address and the token as Hugging Face's own programs find them: HF_ENDPOINT, HF_TOKEN.
  static Hub from_environment();

  // Every file of the main branch. Errors: not_found (no such repository, or one that wants a
  // token), download_failed.
  Result<std::vector<WeightsFile>> list(const std::string& repository) const;

  std::string url_of(const std::string& repository, std::string_view file) const;
  // For requests to this server; empty: none.
  const std::string& token() const { return token_; }

 private:
  Hub(std::string address, std::string token)
      : address_(std::move(address)), token_(std::move(token)) {}

  std::string address_;
  std::string token_;
};

// The files that the hub's answer lists. Errors: download_failed (it is no such answer).
// Source: GET /api/models/{repository}/tree/main of huggingface.co/docs/hub/api.
Result<std::vector<WeightsFile>> parse_hub_listing(std::string_view json);

}  // namespace selvedge::catalog
