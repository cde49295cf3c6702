// WorkerPrograms: the programs of others that run a Worker here: Node, wrangler, and our launcher.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/context.h"

namespace selvedge::cli {

// `node_modules/.bin/wrangler` of `folder` or of the nearest folder above it.
std::optional<std::filesystem::path> project_wrangler(const std::filesystem::path& folder);

// The command that starts wrangler for a project in `folder`: the project's own, else `npx
// wrangler`. Errors: not_found (no Node, or neither of the two).
Result<std::vector<std::string>> wrangler_command(const std::filesystem::path& folder);

// Whether `selvedge-workerd` lies beside this program. Errors: not_found.
Status check_launcher(const Context& context);

// The first line that `program --version` prints, or empty.
std::string version_of(const std::filesystem::path& program);

}  // namespace selvedge::cli
