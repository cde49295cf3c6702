// Knows the spellings that yargs takes: --x y, --x=y, -x y, -x=y, -xy.
#include "cli/dev_arguments.h"

#include <algorithm>
#include <array>

namespace selvedge::cli {
namespace {

constexpr std::array<std::string_view, 10> kScriptSuffixes = {
    ".js", ".ts", ".mjs", ".mts", ".cjs", ".cts", ".jsx", ".tsx", ".py", ".wasm"};

bool contains(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool says_where_to_run(std::string_view argument) {
  const std::string_view name = argument.substr(0, argument.find('='));
  return name == "--local" || name == "--remote" || name == "--no-local" || name == "--no-remote" ||
         name == "-l" || name == "-r";
}

// The value that `arguments[at]` gives to the option of these names, if it is that option. `short_`
// may be empty.
std::optional<std::string> value_at(const std::vector<std::string>& arguments, std::size_t at,
                                    std::string_view long_, std::string_view short_) {
  const std::string_view text = arguments[at];
  if (text == long_ || (!short_.empty() && text == short_)) {
    if (at + 1 == arguments.size()) return std::nullopt;
    return arguments[at + 1];
  }
  if (text.starts_with(long_) && text.substr(long_.size()).starts_with('=')) {
    return std::string(text.substr(long_.size() + 1));
  }
  if (short_.empty() || !text.starts_with(short_)) return std::nullopt;
  std::string_view value = text.substr(short_.size());
  if (value.starts_with('=')) value.remove_prefix(1);
  return std::string(value);
}

void read_wrangler(DevArguments& split) {
  for (std::size_t at = 0; at < split.wrangler.size(); ++at) {
    const std::string& argument = split.wrangler[at];
    if (auto value = value_at(split.wrangler, at, "--cwd", "")) {
      split.folder = *value;
    } else if (value = value_at(split.wrangler, at, "--config", "-c"); value) {
      split.configs.emplace_back(*value);
    } else if (value = value_at(split.wrangler, at, "--env", "-e"); value) {
      split.environment = *value;
    } else if (says_where_to_run(argument)) {
      split.says_where = true;
    } else if (!argument.starts_with('-') && !split.script &&
               std::any_of(kScriptSuffixes.begin(), kScriptSuffixes.end(),
                           [&](std::string_view suffix) { return argument.ends_with(suffix); })) {
      // Only yargs knows which options take a value; those that take such files are rare.
      split.script = argument;
    }
  }
}

}  // namespace

DevArguments split_dev_arguments(const std::vector<std::string>& arguments,
                                 const std::vector<std::string_view>& valued,
                                 const std::vector<std::string_view>& flags) {
  DevArguments split;
  bool all_wranglers = false;
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    const std::string& argument = arguments[at];
    const std::string_view name = std::string_view(argument).substr(0, argument.find('='));
    if (all_wranglers) {
      split.wrangler.push_back(argument);
    } else if (argument == "--") {
      all_wranglers = true;
    } else if (contains(flags, name)) {
      split.ours.push_back(argument);
    } else if (contains(valued, name)) {
      split.ours.push_back(argument);
      if (name.size() == argument.size() && at + 1 < arguments.size()) {
        split.ours.push_back(arguments[++at]);
      }
    } else {
      split.wrangler.push_back(argument);
    }
  }
  read_wrangler(split);
  return split;
}

}  // namespace selvedge::cli
