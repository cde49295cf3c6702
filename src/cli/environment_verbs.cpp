// Both speak of the same variables; only `init` writes, and only its own block.
#include "cli/environment_verbs.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/child_process.h"
#include "cli/dotenv_file.h"
#include "cli/output.h"
#include "cli/worker_environment.h"
#include "cli/worker_programs.h"
#include "cli/wrangler_config.h"

namespace selvedge::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// On stderr: `eval "$(selvedge env)"` shows it and does not run it.
void note(const std::string& text) { std::fprintf(stderr, "selvedge: %s\n", text.c_str()); }

// As `context`, in the account that the configuration found from `folder` names, if one does:
// wrangler prefers it, and the bindings must see the same indexes.
Context for_project(const Context& context, const fs::path& folder) {
  Context project = context;
  const auto file = find_wrangler_config(folder);
  if (!file) return project;
  const char* environment = std::getenv("CLOUDFLARE_ENV");
  auto config = read_wrangler_config(*file, environment == nullptr ? "" : environment);
  if (config.ok() && !config->account_id.empty()) project.account = config->account_id;
  return project;
}

void print_environment(const Context& context, bool dotenv) {
  if (auto launcher = check_launcher(context); !launcher.ok()) note(launcher.error().message);
  if (context.json) return print(json_form(worker_environment(context)));
  if (dotenv) return print(dotenv_form(dotenv_environment(context, true)));
  print(shell_form(worker_environment(context)));
  for (const std::string_view name : contrary_variables()) {
    if (std::getenv(name.data()) != nullptr) print_line("unset " + std::string(name));
  }
}

Result<std::string> text_of(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error)) return std::string();
  std::ifstream stream(file, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(stream), {});
  if (!stream.is_open() || stream.bad()) return Error{Code::io, "cannot read " + file.string()};
  return text;
}

Error cannot_write(const fs::path& file) {
  return Error{Code::io, "cannot write " + file.string() + ": " + std::strerror(errno)};
}

// The whole file or the old one, whatever happens; permissions stay. A new one is its owner's
// alone, since it may hold a token.
Status replace_file(const fs::path& file, std::string_view text) {
  struct stat before {};
  const mode_t mode = ::stat(file.c_str(), &before) == 0 ? before.st_mode & 0777 : 0600;
  std::string written = file.string() + ".selvedge-XXXXXX";
  const int descriptor = ::mkostemp(written.data(), O_CLOEXEC);
  if (descriptor < 0) return cannot_write(file);
  std::size_t done = 0;
  bool good = ::fchmod(descriptor, mode) == 0;
  while (good && done < text.size()) {
    const ssize_t count = ::write(descriptor, text.data() + done, text.size() - done);
    good = count > 0 || (count < 0 && errno == EINTR);
    if (count > 0) done += static_cast<std::size_t>(count);
  }
  good = good && ::fsync(descriptor) == 0;
  good = ::close(descriptor) == 0 && good;
  good = good && ::rename(written.c_str(), file.c_str()) == 0;
  if (good) return ok_status();
  auto error = cannot_write(file);
  ::unlink(written.c_str());
  return error;
}

// Whether git leaves `file` out; nothing where there is no git or no repository.
std::optional<bool> git_ignores(const fs::path& file) {
  const auto git = find_program("git");
  if (!git) return std::nullopt;
  ProgramCall call;
  call.command = {git->string(), "check-ignore", "--quiet", file.filename().string()};
  call.folder = file.parent_path();
  call.log = "/dev/null";
  auto started = ChildProcess::start(call);
  if (!started.ok()) return std::nullopt;
  const int code = started->wait();
  if (code == 0) return true;
  if (code == 1) return false;
  return std::nullopt;
}

struct Written {
  fs::path file;
  bool changed = false;
  std::optional<bool> git_ignored;
  std::vector<std::string> notes;
};

// `.env.local` is read after `.env` and would win.
void note_later_files(Written& written, const Variables& variables) {
  const fs::path later = written.file.string() + ".local";
  auto text = text_of(later);
  if (!text.ok()) return;
  auto lines = foreign_lines(*text);
  if (!lines.ok()) return;
  for (const DotenvLine& line : *lines) {
    for (const auto& [name, value] : variables) {
      if (line.name != name || line.value == value) continue;
      written.notes.push_back(later.string() + ":" + std::to_string(line.number) + " sets " + name +
                              " to something else, and wrangler lets it win");
    }
  }
}

Result<Written> write_dotenv(const Context& context, const fs::path& folder) {
  SEL_CHECK_OK(check_launcher(context));
  const auto config = find_wrangler_config(folder);
  if (!config) {
    return Error{Code::not_found, "there is no wrangler.toml, wrangler.json or wrangler.jsonc in " +
                                      fs::absolute(folder).lexically_normal().string() +
                                      " or above"};
  }
  Written written;
  written.file = config->parent_path() / ".env";
  // A link stays a link: what it leads to is replaced.
  std::error_code error;
  if (fs::is_symlink(written.file, error)) written.file = fs::weakly_canonical(written.file, error);
  SEL_TRY(before, text_of(written.file));
  auto foreign = foreign_lines(before);
  if (!foreign.ok()) {
    return Error{foreign.error().code, written.file.string() + ": " + foreign.error().message};
  }
  const auto variables = dotenv_environment(context, foreign->empty());
  auto after = with_block(before, variables);
  if (!after.ok()) {
    return Error{after.error().code, written.file.string() + ": " + after.error().message};
  }
  written.changed = *after != before;
  if (written.changed) SEL_CHECK_OK(replace_file(written.file, *after));
  written.git_ignored = git_ignores(written.file);
  note_later_files(written, variables);
  if (!foreign->empty() && !fs::exists(config->parent_path() / ".dev.vars", error)) {
    written.notes.push_back(
        "wrangler makes every line of .env a variable of the Worker, as it does with your other "
        "lines there; put those into .dev.vars to keep ours out");
  }
  return written;
}

void print_written(Context& context, const Written& written) {
  if (context.json) {
    const json ignored = written.git_ignored ? json(*written.git_ignored) : json();
    return print_line(json({{"file", written.file.string()},
                            {"changed", written.changed},
                            {"git_ignored", ignored},
                            {"notes", written.notes}})
                          .dump());
  }
  print_line((written.changed ? "wrote " : "nothing to change in ") + written.file.string());
  if (written.git_ignored) {
    print_line(*written.git_ignored ? "git ignores it"
                                    : "git does not ignore it: add a line .env to .gitignore");
  }
  for (const std::string& text : written.notes) print_line("note: " + text);
  print_line("with \"selvedge serve\" running, plain \"npx wrangler dev\" now finds it");
}

void add_env(CLI::App& app, Context& context) {
  auto dotenv = std::make_shared<bool>(false);
  CLI::App* verb =
      app.add_subcommand("env", "Print the environment for wrangler: eval \"$(selvedge env)\"");
  CLI::Option* shell = verb->add_flag("--shell")->description("Lines for a shell (the default)");
  verb->add_flag("--dotenv", *dotenv, "Lines for a .env file")->excludes(shell);
  verb->callback([dotenv, &context] { print_environment(for_project(context, "."), *dotenv); });
}

void add_init(CLI::App& app, Context& context) {
  auto folder = std::make_shared<std::string>(".");
  CLI::App* verb = app.add_subcommand(
      "init", "Write the environment into the project's .env, for plain `npx wrangler dev`");
  verb->add_option("folder", *folder, "Where the project lies")->capture_default_str();
  verb->callback([folder, &context] {
    auto written = write_dotenv(for_project(context, *folder), *folder);
    if (!written.ok()) return fail(context, written.error());
    print_written(context, *written);
  });
}

}  // namespace

void add_environment_verbs(CLI::App& app, Context& context) {
  add_env(app, context);
  add_init(app, context);
}

}  // namespace selvedge::cli
