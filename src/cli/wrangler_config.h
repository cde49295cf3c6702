// WranglerConfig: what a project's wrangler.toml, wrangler.json or wrangler.jsonc says about its
// Vectorize bindings.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace selvedge::cli {

struct VectorizeBinding {
  std::string binding;     // The name in the Worker's `env`.
  std::string index_name;  // The index it stands for.
};

// One environment of a configuration, as `wrangler dev` sees it.
struct WranglerConfig {
  std::string main;        // The Worker's entry, relative to the file; empty where it has none.
  std::string account_id;  // Which wrangler prefers to CLOUDFLARE_ACCOUNT_ID; mostly empty.
  std::vector<VectorizeBinding> vectorize;
};

// How a configuration is written. JSON may have comments and trailing commas, whatever its suffix.
enum class ConfigForm : std::uint8_t { toml, json };

// The file that wrangler takes when started in `folder`: wrangler.json of this folder or of the
// nearest one above it, else wrangler.jsonc, else wrangler.toml.
// Source: workers-sdk, findWranglerConfig.
std::optional<std::filesystem::path> find_wrangler_config(const std::filesystem::path& folder);

// Reads `file`, of 1 MiB at most. `environment` empty: the top level. `vectorize` is not inherited
// by an environment, `main` and `account_id` are; a name that no environment has means the top
// level where the file has no environments at all. Source: workers-sdk, normalizeAndValidateConfig.
// Errors: not_found, io, file_invalid (the message names file, line and column, or file and key).
Result<WranglerConfig> read_wrangler_config(const std::filesystem::path& file,
                                            std::string_view environment);

// As read_wrangler_config, of a text; `name` stands for the file in messages.
Result<WranglerConfig> parse_wrangler_config(std::string_view text, ConfigForm form,
                                             std::string_view name, std::string_view environment);

}  // namespace selvedge::cli
