// The verbs, their common options, and `version`.
#include "app/command_line.h"

#include <cstdlib>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/alias_verbs.h"
#include "app/bench_verb.h"
#include "app/doctor_verb.h"
#include "app/places.h"
#include "app/serve_verbs.h"
#include "app/snapshot_verbs.h"
#include "app/upstream_verbs.h"
#include "cli/dev_verb.h"
#include "cli/environment_verbs.h"
#include "cli/finetune_verbs.h"
#include "cli/imagine_verb.h"
#include "cli/index_verbs.h"
#include "cli/knowledge_verbs.h"
#include "cli/markdown_verb.h"
#include "cli/model_verbs.h"
#include "cli/output.h"
#include "cli/run_verb.h"
#include "cli/transcribe_verb.h"
#include "cli/usage_verb.h"

namespace selvedge::app {
namespace {

void add_common_options(CLI::App& app, cli::Context& context) {
  context.home = default_home();
  context.profile = "auto";
  context.account = "local";
  context.api_url = "http://127.0.0.1:7358";
  context.bot_url = "http://127.0.0.1:8787";
  context.programs = executable_folder();
  if (const char* token = std::getenv("SELVEDGE_TOKEN")) context.token = token;
  app.add_option("--home", context.home, "Folder of models and vectors")
      ->envname("SELVEDGE_HOME")
      ->capture_default_str();
  app.add_option("--profile", context.profile,
                 "Which weights answer: exact (the model named), small (a stand-in), auto")
      ->check(CLI::IsMember({"exact", "small", "auto"}))
      ->envname("SELVEDGE_PROFILE")
      ->capture_default_str();
  app.add_option("--account", context.account, "Account id; each is a separate space")
      ->envname("CLOUDFLARE_ACCOUNT_ID")
      ->capture_default_str();
  app.add_option("--url", context.api_url, "The server that client verbs talk to")
      ->envname("SELVEDGE_URL")
      ->transform([](std::string url) {
        while (url.ends_with('/')) url.pop_back();
        return url;
      })
      ->capture_default_str();
  app.add_option("--bot-url", context.bot_url, "The bot that `add` and `ask` talk to")
      ->envname("SELVEDGE_BOT_URL")
      ->capture_default_str();
  app.add_flag("--json", context.json, "Output for programs");
}

void add_version_verb(CLI::App& app, cli::Context& context) {
  CLI::App* verb = app.add_subcommand("version", "Print the version");
  verb->callback([&context] {
    if (context.json) {
      return cli::print_line(nlohmann::json({{"version", SELVEDGE_VERSION}}).dump());
    }
    cli::print_line("selvedge " SELVEDGE_VERSION);
  });
}

// What stands behind the verb `dev`, taken off the command line: it is wrangler's, and may contain
// names of our own options and verbs. A first "--help" stays ours.
std::vector<std::string> take_dev_arguments(const CLI::App& app, int& argc, char** argv) {
  for (int at = 1; at < argc; ++at) {
    const std::string_view argument = argv[at];
    if (argument == "dev") {
      const int kept = at + 1;
      const std::string_view next = kept < argc ? argv[kept] : "";
      if (next == "--help" || next == "-h") return {};
      std::vector<std::string> taken(argv + kept, argv + argc);
      argc = kept;
      return taken;
    }
    if (!argument.starts_with("-")) return {};
    const CLI::Option* option = app.get_option_no_throw(std::string(argument));
    if (option != nullptr && option->get_items_expected_max() > 0) ++at;
  }
  return {};
}

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app(
      "Selvedge: Cloudflare's Workers AI and Vectorize on your own machine.\n"
      "Start with \"selvedge bot\", then \"selvedge add TEXT\" and \"selvedge ask QUESTION\".");
  app.name("selvedge");
  app.set_version_flag("--version", "selvedge " SELVEDGE_VERSION);
  app.require_subcommand(1);
  app.fallthrough();  // Common options may stand after the verb, too.
  cli::Context context;
  add_common_options(app, context);
  add_serve_verbs(app, context);
  cli::add_model_verbs(app, context);
  cli::add_run_verb(app, context);
  cli::add_finetune_verbs(app, context);
  cli::add_transcribe_verb(app, context);
  cli::add_markdown_verb(app, context);
  cli::add_imagine_verb(app, context);
  cli::add_index_verbs(app, context);
  cli::add_knowledge_verbs(app, context);
  cli::add_usage_verb(app, context);
  const std::vector<std::string> dev_arguments = take_dev_arguments(app, argc, argv);
  cli::add_dev_verb(app, context, dev_arguments);
  cli::add_environment_verbs(app, context);
  add_doctor_verb(app, context);
  add_bench_verb(app, context);
  add_snapshot_verbs(app, context);
  add_upstream_verbs(app, context);
  add_alias_verbs(app, context);
  add_version_verb(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return context.exit_code;
}

}  // namespace selvedge::app
