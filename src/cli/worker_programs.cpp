// Finds them the way npm lays them out.
#include "cli/worker_programs.h"

#include <array>
#include <cstdio>

#include <unistd.h>

#include "cli/child_process.h"
#include "cli/worker_environment.h"

namespace selvedge::cli {
namespace {

namespace fs = std::filesystem;

bool runs(const fs::path& file) {
  std::error_code ignored;
  return fs::is_regular_file(file, ignored) && ::access(file.c_str(), X_OK) == 0;
}

}  // namespace

std::optional<fs::path> project_wrangler(const fs::path& folder) {
  std::error_code ignored;
  for (fs::path at = fs::absolute(folder, ignored).lexically_normal();; at = at.parent_path()) {
    if (const fs::path program = at / "node_modules/.bin/wrangler"; runs(program)) return program;
    if (at == at.parent_path()) return std::nullopt;
  }
}

Result<std::vector<std::string>> wrangler_command(const fs::path& folder) {
  if (!find_program("node")) {
    return Error{Code::not_found, "wrangler needs Node.js, and no program \"node\" is in PATH"};
  }
  if (auto program = project_wrangler(folder)) return std::vector<std::string>{program->string()};
  if (auto npx = find_program("npx")) return std::vector<std::string>{npx->string(), "wrangler"};
  std::error_code ignored;
  return Error{Code::not_found,
               "there is no node_modules/.bin/wrangler in " +
                   fs::absolute(folder, ignored).lexically_normal().string() +
                   " or above, and no program \"npx\" in PATH; install wrangler in the project: "
                   "npm install --save-dev wrangler"};
}

Status check_launcher(const Context& context) {
  const fs::path launcher = context.programs / "selvedge-workerd";
  if (runs(launcher)) return ok_status();
  return Error{Code::not_found, "there is no program " + launcher.string() +
                                    ", which leads the bindings of Workers here; build it, or "
                                    "reinstall"};
}

std::string version_of(const fs::path& program) {
  std::string quoted;
  for (const char c : program.string())
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  const std::string command = "'" + quoted + "' --version 2>/dev/null </dev/null";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::array<char, 256> line{};
  const bool got = std::fgets(line.data(), line.size(), pipe) != nullptr;
  while (std::fgetc(pipe) != EOF) {
  }
  const bool clean = ::pclose(pipe) == 0;
  std::string text = got && clean ? line.data() : "";
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace selvedge::cli
