// Looks first, then acts: wrangler, launcher, server, indexes, wrangler. Writes nothing into the
// project.
#include "cli/dev_verb.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/api_client.h"
#include "cli/child_process.h"
#include "cli/dev_arguments.h"
#include "cli/index_dimensions.h"
#include "cli/local_server.h"
#include "cli/output.h"
#include "cli/worker_programs.h"
#include "cli/wrangler_config.h"
#include "http/client.h"

namespace selvedge::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kOrphansMsMax = 5'000;  // For what wrangler or npx left behind.

struct Options {
  bool create_indexes = false;
  int dimensions = 0;  // 0 = those of the embedding model.
  std::string metric = "cosine";
};

// An index that a configuration names, and where its Worker's source lies.
struct WantedIndex {
  std::string binding;
  std::string name;
  std::vector<fs::path> sources;  // The entry's folder, then the configuration's.
};

void add_options(CLI::App& verb, Options& options, Context& context) {
  verb.add_flag("--create-indexes", options.create_indexes,
                "Create the Vectorize indexes that the configuration names and the server lacks");
  verb.add_option("--dimensions", options.dimensions,
                  "Of created indexes; else those of the embedding model that the source names")
      ->check(CLI::PositiveNumber);
  verb.add_option("--metric", options.metric, "Of created indexes")
      ->check(CLI::IsMember({"cosine", "euclidean", "dot-product"}))
      ->capture_default_str();
  verb.add_option("--url", context.api_url, "The server; one is started there if none answers")
      ->capture_default_str();
  verb.add_option("--home", context.home, "Folder of models and vectors of a server started here");
  verb.add_option("--account", context.account, "Account id; each is a separate space");
}

fs::path folder_of(const DevArguments& split) {
  const fs::path folder = split.folder.value_or(".");
  return folder.empty() ? fs::path(".") : folder;
}

// The configurations that wrangler will read: those named, else the one it finds.
std::vector<fs::path> config_files(const DevArguments& split) {
  std::vector<fs::path> files;
  for (const fs::path& file : split.configs) files.push_back(folder_of(split) / file);
  if (!files.empty()) return files;
  const fs::path start =
      split.script ? folder_of(split) / split.script->parent_path() : folder_of(split);
  if (auto found = find_wrangler_config(start)) files.push_back(*found);
  return files;
}

// What the configurations say together.
struct Wanted {
  std::string account_id;  // Of the main Worker's.
  std::vector<WantedIndex> indexes;
};

Result<Wanted> read_configs(const DevArguments& split) {
  const char* chosen = std::getenv("CLOUDFLARE_ENV");
  const std::string environment = split.environment.value_or(chosen == nullptr ? "" : chosen);
  Wanted wanted;
  std::set<std::string> seen;
  const std::vector<fs::path> files = config_files(split);
  for (const fs::path& file : files) {
    SEL_TRY(config, read_wrangler_config(file, environment));
    const fs::path folder = file.parent_path().empty() ? fs::path(".") : file.parent_path();
    const fs::path entry = split.script ? folder_of(split) / *split.script : folder / config.main;
    if (file == files.front()) wanted.account_id = config.account_id;
    for (const VectorizeBinding& binding : config.vectorize) {
      if (!seen.insert(binding.index_name).second) continue;
      WantedIndex index{binding.binding, binding.index_name, {folder}};
      if (!config.main.empty() || split.script) {
        index.sources.insert(index.sources.begin(), entry.parent_path());
      }
      wanted.indexes.push_back(std::move(index));
    }
  }
  return wanted;
}

std::string indexes_path(const Context& context) {
  return "/client/v4/accounts/" + http::percent_encoded(context.account) + "/vectorize/v2/indexes";
}

Status create_index(const Context& context, const Options& options, const WantedIndex& wanted) {
  IndexDimensions dimensions{options.dimensions, "as given"};
  if (options.dimensions == 0) {
    SEL_TRY(models, catalog::ModelTable::built_in());
    SEL_TRY(guessed, guess_dimensions(*models, wanted.sources));
    dimensions = guessed;
  }
  const json body = {{"name", wanted.name},
                     {"config", {{"dimensions", dimensions.count}, {"metric", options.metric}}}};
  const ApiClient client(context.api_url, "server", context.token);
  auto created = client.call("POST", indexes_path(context), body.dump());
  if (!created.ok()) {
    return Error{created.error().code, "index " + wanted.name + ": " + created.error().message};
  }
  print_line("selvedge: created index " + wanted.name + ": " + std::to_string(dimensions.count) +
             " dimensions (" + dimensions.reason + "), " + options.metric);
  return ok_status();
}

// Says which indexes are missing, and creates them when asked to.
Status see_to_indexes(const Context& context, const Options& options,
                      const std::vector<WantedIndex>& wanted) {
  if (wanted.empty()) return ok_status();
  const ApiClient client(context.api_url, "server", context.token);
  SEL_TRY(listed, client.call("GET", indexes_path(context)));
  std::set<std::string> there;
  for (const json& index : listed.value("result", json::array())) {
    there.insert(index.value("name", ""));
  }
  for (const WantedIndex& index : wanted) {
    if (there.contains(index.name)) continue;
    if (options.create_indexes) {
      SEL_CHECK_OK(create_index(context, options, index));
    } else {
      print_line("selvedge: there is no index " + index.name + " yet, which env." + index.binding +
                 " stands for; \"selvedge dev --create-indexes\" creates it");
    }
  }
  return ok_status();
}

// Waits for wrangler and hands it the signals that its terminal has not given it already.
int attend(ChildProcess& wrangler, LocalServer& server, SignalWatch& signals) {
  for (;;) {
    if (auto code = wrangler.exit_code()) return *code;
    if (server.has_died()) {
      std::fprintf(stderr, "selvedge: the server has ended by itself; its log is %s\n",
                   server.log().c_str());
    }
    const auto signal = signals.wait();
    if (signal && signal->number != SIGCHLD && !signal->from_terminal) {
      wrangler.send_signal(signal->number);
    }
  }
}

ProgramCall wrangler_call(const Context& context, const std::vector<std::string>& command,
                          const DevArguments& split) {
  ProgramCall call;
  call.command = command;
  call.command.emplace_back("dev");
  // The launcher serves both bindings in either case. Without a remote session wrangler starts
  // sooner, warns of no charges, and outlives a restart of the server; and wrangler 4.86 does not
  // hang on Ctrl-C.
  if (!split.says_where) call.command.emplace_back("--local");
  call.command.insert(call.command.end(), split.wrangler.begin(), split.wrangler.end());
  call.set = worker_environment(context);
  call.unset = contrary_variables();
  return call;
}

Result<int> run(Context context, const Options& options, const DevArguments& split) {
  SEL_TRY(command, wrangler_command(folder_of(split)));
  SEL_CHECK_OK(check_launcher(context));
  auto wanted = read_configs(split);
  if (!wanted.ok()) {
    if (options.create_indexes) return wanted.error();
    // No reason to keep wrangler from saying its own about it.
    std::fprintf(stderr, "selvedge: %s\n", wanted.error().message.c_str());
    wanted = Wanted();
  }
  if (!wanted->account_id.empty()) context.account = wanted->account_id;
  while (context.api_url.ends_with('/')) context.api_url.pop_back();
  SignalWatch signals;
  adopt_orphans();
  SEL_TRY(server, LocalServer::reach(context, signals));
  auto ready = see_to_indexes(context, options, wanted->indexes);
  if (!ready.ok() && !options.create_indexes) {
    std::fprintf(stderr, "selvedge: %s\n", ready.error().message.c_str());
    ready = ok_status();
  }
  if (ready.ok()) {
    // Wrangler does not know of the launcher.
    print_line("selvedge: env.AI and env.VECTORIZE are served by " + context.api_url +
               ", whatever mode and charges wrangler tells of");
  }
  Result<int> code = 0;
  if (!ready.ok()) {
    code = ready.error();
  } else if (auto wrangler = ChildProcess::start(wrangler_call(context, command, split));
             wrangler.ok()) {
    code = attend(*wrangler, server, signals);
    end_children(server.pid(), kOrphansMsMax, signals);
  } else {
    code = wrangler.error();
  }
  server.stop(signals);
  return code;
}

}  // namespace

void add_dev_verb(CLI::App& app, Context& context, const std::vector<std::string>& arguments) {
  auto shown = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand(
      "dev", "Run the project's `wrangler dev` with AI and Vectorize of this machine");
  verb->footer("All other arguments are those of `wrangler dev`; behind \"--\" all are.");
  verb->fallthrough(false);
  add_options(*verb, *shown, context);
  verb->callback([shown, &context, &arguments] {
    const auto split =
        split_dev_arguments(arguments, {"--dimensions", "--metric", "--url", "--home", "--account"},
                            {"--create-indexes"});
    Options options;
    CLI::App ours("selvedge dev");
    add_options(ours, options, context);
    ours.parse(std::vector<std::string>(split.ours.rbegin(), split.ours.rend()));
    auto code = run(context, options, split);
    if (!code.ok()) return fail(context, code.error());
    context.exit_code = *code;
  });
}

}  // namespace selvedge::cli
