// Real workerd: the program that the launcher stands in for, found as the calling program would
// have found it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "launcher/server_place.h"

namespace selvedge::launcher {

// A process that asked for workerd: what of it tells where its packages are.
struct Caller {
  std::vector<std::string> arguments;  // Its command line; a program may have changed it.
  std::filesystem::path folder;        // Its working folder.
};

// The parent of this process and the parents of that one, nearest first, at most 8; those that
// /proc shows.
std::vector<Caller> callers();

// The workerd that the npm packages near `caller` would start; nullopt where there is none. Looks
// like Node for the package miniflare from the caller's script upwards, then for workerd from
// there. A caller that hides its script is looked for from its working folder.
std::optional<std::filesystem::path> workerd_near(const Caller& caller);

// SELVEDGE_WORKERD, else the first that workerd_near finds.
// Errors: not_found, in a sentence for people, also where the variable names no program or this
// one.
Result<std::filesystem::path> real_workerd(const Variables& variables,
                                           const std::vector<Caller>& callers);

}  // namespace selvedge::launcher
