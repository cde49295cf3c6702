// DevArguments: what stands behind `selvedge dev`: our options, and what is wrangler's.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace selvedge::cli {

struct DevArguments {
  std::vector<std::string> ours;      // Our options with their values, wherever they stood.
  std::vector<std::string> wrangler;  // Everything else, in order and unchanged.
  // What wrangler itself will make of its arguments. Source: workers-sdk, globalFlags.
  std::optional<std::filesystem::path> folder;  // --cwd: paths are relative to it.
  std::vector<std::filesystem::path> configs;   // --config, -c; the first is the main Worker's.
  std::optional<std::string> environment;       // --env, -e
  std::optional<std::filesystem::path> script;  // The Worker's entry, where it is named.
  bool says_where = false;  // --local, --remote or one of their other spellings is there.
};

// `valued` and `flags` are our options, with and without a value, such as "--metric". A "--" ends
// ours and is itself dropped: `selvedge dev -- --help` shows wrangler's help.
DevArguments split_dev_arguments(const std::vector<std::string>& arguments,
                                 const std::vector<std::string_view>& valued,
                                 const std::vector<std::string_view>& flags);

}  // namespace selvedge::cli
