// Follows the resolution of Node's packages:
// https://nodejs.org/api/modules.html#loading-from-node_modules-folders
#include "launcher/real_workerd.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace selvedge::launcher {
namespace {

namespace fs = std::filesystem;

#if defined(__aarch64__)
constexpr const char* kPlatformPackage = "@cloudflare/workerd-linux-arm64";
#else
constexpr const char* kPlatformPackage = "@cloudflare/workerd-linux-64";
#endif

constexpr std::size_t kCallersMax = 8;
constexpr std::size_t kArgumentsMax = 16;

// Packages that bring their own miniflare. Where a word of the caller's command line tells which
// one calls, it counts before what else is installed.
struct Host {
  std::string_view word;
  const char* package;
};
constexpr Host kHosts[] = {{"vitest", "@cloudflare/vitest-plugin"},
                           {"vitest", "@cloudflare/vitest-pool-workers"},
                           {"vite", "@cloudflare/vite-plugin"},
                           {"wrangler", "wrangler"}};

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

bool program(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && access(path.c_str(), X_OK) == 0;
}

// The folder of `package` as a module in `from` would get it.
std::optional<fs::path> resolved(const fs::path& from, const char* package) {
  for (fs::path folder = from;; folder = folder.parent_path()) {
    std::error_code wrong;
    const auto found = fs::canonical(folder / "node_modules" / package, wrong);
    if (!wrong && fs::is_directory(found, wrong)) return found;
    if (folder == folder.root_path() || folder.empty()) return std::nullopt;
  }
}

// Without its install script, workerd's own bin/workerd is a script that starts the platform's
// program.
std::optional<fs::path> program_from(const fs::path& from) {
  const auto package = resolved(from, "workerd");
  if (!package) return std::nullopt;
  if (const auto platform = resolved(*package, kPlatformPackage)) {
    if (program(*platform / "bin/workerd")) return *platform / "bin/workerd";
  }
  if (program(*package / "bin/workerd")) return *package / "bin/workerd";
  return std::nullopt;
}

std::optional<fs::path> program_of_host(const fs::path& from, const char* host) {
  const auto package = resolved(from, host);
  if (!package) return std::nullopt;
  const auto miniflare = resolved(*package, "miniflare");
  return program_from(miniflare ? *miniflare : *package);
}

std::optional<fs::path> program_seen_from(const fs::path& from, std::string_view command_line) {
  for (const auto& host : kHosts) {
    if (command_line.find(host.word) == std::string_view::npos) continue;
    if (auto found = program_of_host(from, host.package)) return found;
  }
  const auto miniflare = resolved(from, "miniflare");
  if (auto found = program_from(miniflare ? *miniflare : from)) return found;
  for (const auto& host : kHosts) {
    if (auto found = program_of_host(from, host.package)) return found;
  }
  return std::nullopt;
}

std::optional<Caller> caller_at(const fs::path& process) {
  Caller caller;
  std::error_code wrong;
  caller.folder = fs::read_symlink(process / "cwd", wrong);
  const std::string line = text_of(process / "cmdline");
  if (line.empty()) return std::nullopt;
  for (std::size_t at = 0; at < line.size();) {
    const auto end = std::min(line.find('\0', at), line.size());
    caller.arguments.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  return caller;
}

// The parent's number from "pid (name) state parent …"; a name may hold anything, so it is read
// from its last bracket.
int parent_of(const fs::path& process) {
  const std::string line = text_of(process / "stat");
  const auto bracket = line.rfind(')');
  if (bracket == std::string::npos || bracket + 4 >= line.size()) return 0;
  return std::atoi(line.c_str() + bracket + 4);
}

bool is_this_program(const fs::path& path) {
  std::error_code wrong;
  return fs::equivalent(path, "/proc/self/exe", wrong) && !wrong;
}

}  // namespace

std::vector<Caller> callers() {
  std::vector<Caller> found;
  for (int process = getppid(); process > 1 && found.size() < kCallersMax;) {
    const fs::path place = "/proc/" + std::to_string(process);
    if (auto caller = caller_at(place)) found.push_back(std::move(*caller));
    process = parent_of(place);
  }
  return found;
}

std::optional<fs::path> workerd_near(const Caller& caller) {
  std::string line;
  for (const auto& argument : caller.arguments) line += argument + ' ';
  const std::size_t count = std::min(caller.arguments.size(), kArgumentsMax);
  for (std::size_t at = 1; at < count; ++at) {
    std::error_code wrong;
    const auto script = fs::canonical(caller.folder / caller.arguments[at], wrong);
    if (wrong || !fs::is_regular_file(script, wrong)) continue;
    if (auto found = program_seen_from(script.parent_path(), line)) return found;
  }
  if (caller.folder.empty()) return std::nullopt;
  return program_seen_from(caller.folder, line);
}

Result<fs::path> real_workerd(const Variables& variables, const std::vector<Caller>& callers) {
  if (const std::string named = variables("SELVEDGE_WORKERD"); !named.empty()) {
    if (!program(named)) {
      return Error{Code::not_found, "SELVEDGE_WORKERD is \"" + named + "\", which is no program"};
    }
    if (is_this_program(named)) {
      return Error{Code::not_found,
                   "SELVEDGE_WORKERD names selvedge-workerd itself; it must name the real workerd"};
    }
    return fs::path(named);
  }
  for (const auto& caller : callers) {
    const auto found = workerd_near(caller);
    if (found && !is_this_program(*found)) return *found;
  }
  return Error{Code::not_found,
               "the npm package workerd was not found near the program that started this; set "
               "SELVEDGE_WORKERD to the path of the real workerd"};
}

}  // namespace selvedge::launcher
