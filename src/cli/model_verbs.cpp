// Verbs over catalog::Catalog: parse, do, tell.
#include "cli/model_verbs.h"

#include <cstdio>
#include <iostream>
#include <system_error>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "catalog/alias_catalog.h"
#include "catalog/model_table.h"
#include "catalog/profile_names.h"
#include "catalog/task_names.h"
#include "cli/model_listing.h"
#include "cli/output.h"
#include "cli/progress_bar.h"

namespace selvedge::cli {

namespace {

namespace fs = std::filesystem;
using catalog::Catalog;
using catalog::Installed;
using nlohmann::json;

struct ImportOptions {
  catalog::ImportRequest request;
  std::string task;
  std::string schema = "openai";
  bool yes = false;
  bool if_missing = false;
};

// What an id that is no model of Workers AI means for whoever pays, and for who misspelt one.
void tell_own(const Catalog& models, const std::vector<std::string>& ids) {
  for (const std::string& id : ids) {
    const auto entry = models.find(id);
    if (!entry.ok() || !(*entry)->own) continue;
    print_line("  " + id + " is no model of Workers AI but your own (" + (*entry)->task_name +
               "): its calls cost 0 neurons");
  }
}

void tell_installed(const Context& context, const Installed& file, const char* how) {
  if (context.json) return print_line(installed_json(file).dump(2));
  print_line(std::string(how) + " " + bold(file.name) + " (" + catalog::readable_bytes(file.bytes) +
             "): " + answers_for(file));
}

catalog::Progress progress_to(ProgressBar& bar) {
  return [&bar](std::uint64_t done, std::uint64_t total, std::string_view doing) {
    bar.update(done, total, doing);
  };
}

void pull(Context& context, const std::vector<std::string>& names) {
  auto models = open_catalog(context);
  if (!models.ok()) return fail(context, models.error());
  json all = json::array();
  for (const std::string& name : names) {
    auto installed = [&] {
      ProgressBar bar(name, context.json);
      return (*models)->pull(name, progress_to(bar));
    }();
    if (!installed.ok()) {
      fail(context, installed.error());
      if (context.json) return;  // One object comes out, and it is the error.
      continue;
    }
    if (context.json) {
      all.push_back(installed_json(*installed));
    } else {
      tell_installed(context, *installed, "installed");
    }
  }
  if (context.json) print_line((names.size() == 1 ? all.front() : all).dump(2));
}

// The installed file of the same name and length: enough for set-ups that run again and again.
const Installed* same_file(const std::vector<Installed>& installed, const fs::path& file) {
  std::error_code problem;
  const std::uintmax_t bytes = fs::file_size(file, problem);
  if (problem) return nullptr;
  for (const Installed& other : installed) {
    if (other.path.filename() == file.filename() && other.bytes == bytes) return &other;
  }
  return nullptr;
}

// Which of `ids` another file answers for exactly, and that file.
std::string bindings_lost(const std::vector<Installed>& installed, const ImportOptions& options) {
  std::string lost;
  const catalog::ImportRequest& request = options.request;
  const Installed* same = same_file(installed, request.source);
  for (const Installed& other : installed) {
    if (&other == same || !other.part.empty()) continue;
    for (const std::string& id : other.models) {
      for (const std::string& wanted : request.ids) {
        if (id == wanted) lost += (lost.empty() ? "" : ", ") + id + " (now " + other.name + ")";
      }
    }
  }
  return lost;
}

Status confirm(const std::string& lost) {
  const Error unsure{Code::already_exists, "already answered for: " + lost +
                                               "; say --yes to let the new file answer instead"};
  if (::isatty(STDIN_FILENO) != 1) return unsure;
  std::fprintf(stderr, "Already answered for: %s. Let the new file answer instead? [y/N] ",
               lost.c_str());
  std::string answer;
  std::getline(std::cin, answer);
  if (answer != "y" && answer != "Y" && answer != "yes") return unsure;
  return ok_status();
}

// Errors: invalid_input.
Status read_own(ImportOptions& options) {
  if (options.schema == "legacy") options.request.schema = catalog::Schema::legacy;
  if (options.schema != "legacy" && options.schema != "openai") {
    return Error{Code::invalid_input, "--schema: expected openai or legacy"};
  }
  if (options.task.empty()) return ok_status();
  options.request.task = catalog::task_from_name(options.task);
  if (options.request.task) return ok_status();
  return Error{Code::invalid_input, "no task is called \"" + options.task + "\""};
}

void import(Context& context, ImportOptions& options) {
  const catalog::ImportRequest& request = options.request;
  const Status sound = read_own(options);
  if (!sound.ok()) return fail(context, sound.error());
  auto models = open_catalog(context);
  if (!models.ok()) return fail(context, models.error());
  const fs::path file = request.source;
  auto installed = (*models)->installed();
  if (!installed.ok()) return fail(context, installed.error());
  if (options.if_missing && request.ids.empty()) {
    const Installed* same = same_file(*installed, file);
    if (same != nullptr) return tell_installed(context, *same, "already there:");
  }
  const std::string lost =
      request.part.empty() ? bindings_lost(*installed, options) : std::string();
  if (!lost.empty() && !options.yes) {
    const Status agreed = confirm(lost);
    if (!agreed.ok()) return fail(context, agreed.error());
  }
  auto taken = [&] {
    ProgressBar bar(file.filename().string(), context.json);
    return (*models)->take_in(request, progress_to(bar));
  }();
  if (!taken.ok()) return fail(context, taken.error());
  tell_installed(context, *taken, "installed");
  if (!context.json) tell_own(**models, request.ids);
}

void remove(Context& context, const std::string& name) {
  auto models = open_catalog(context);
  if (!models.ok()) return fail(context, models.error());
  const Status removed = (*models)->remove(name);
  if (!removed.ok()) return fail(context, removed.error());
  if (context.json) return print_line(json({{"removed", name}}).dump(2));
  print_line("removed " + name);
}

void unbind(Context& context, const std::string& id) {
  auto models = open_catalog(context);
  if (!models.ok()) return fail(context, models.error());
  const Status ended = (*models)->unbind(id);
  if (!ended.ok()) return fail(context, ended.error());
  if (context.json) return print_line(json({{"unbound", id}}).dump(2));
  print_line(id + " is bound to no file any more; \"selvedge list\" shows the files");
}

void add_pull(CLI::App& app, Context& context) {
  auto names = std::make_shared<std::vector<std::string>>();
  CLI::App* verb = app.add_subcommand(
      "pull", "Fetch the weights of models: continued when broken off, checked by SHA-256");
  verb->add_option("id", *names, "Model ids (@cf/...) or names of artifacts")->required();
  verb->callback([names, &context] { pull(context, *names); });
}

void add_import(CLI::App& app, Context& context) {
  auto options = std::make_shared<ImportOptions>();
  catalog::ImportRequest& request = options->request;
  CLI::App* verb = app.add_subcommand(
      "import",
      "Take in a GGUF file, or safetensors of a model that draws: one that the catalogue knows, or "
      "any, for the ids of --as");
  verb->add_option("file", request.source,
                   "The file, or a folder with the files of one model: they are copied; or "
                   "hf:OWNER/REPOSITORY[/FILE], which is fetched from huggingface.co")
      ->required();
  verb->add_option("--as", request.ids,
                   "A model id that it shall answer for (may be repeated): of Workers AI, or any "
                   "other, such as my-org/my-model")
      ->take_all()
      ->expected(1);
  verb->add_option("--file", request.pick,
                   "Of several models in the folder or repository: a file, or a part of its name, "
                   "such as Q4_K_M");
  verb->add_option("--task", options->task,
                   "Of an id of your own, where the file does not tell: such as text-embeddings");
  verb->add_option(
          "--schema", options->schema,
          "Of a text model of your own: answers of ai/run as OpenAI's objects (openai), or "
          "as {\"response\"} (legacy)")
      ->capture_default_str();
  verb->add_option("--part", request.part,
                   "The file is a part of those models: clip_l, clip_g, t5xxl, llm, vae, "
                   "taesd or projector");
  verb->add_flag("--yes,-y", options->yes, "Also where another file answers now");
  verb->add_flag("--if-missing", options->if_missing,
                 "A file of this name and length that is there already is left as it is");
  verb->callback([options, &context] { import(context, *options); });
}

void add_list_and_show(CLI::App& app, Context& context) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* list = app.add_subcommand("list", "List the models on this machine");
  list->alias("models");
  list->add_flag("--all", options->all, "The whole catalogue, and what would answer");
  list->add_option("--task", options->task, "Only this task, as \"text generation\"");
  list->callback([options, &context] { list_models(context, *options); });
  auto name = std::make_shared<std::string>();
  CLI::App* show = app.add_subcommand("show", "Show all that is known about a model");
  show->add_option("id", *name, "A model id (@cf/...), or the name of a file")->required();
  show->callback([name, &context] { show_model(context, *name); });
}

}  // namespace

Result<std::unique_ptr<Catalog>> open_catalog(const Context& context) {
  SEL_TRY(models,
          Catalog::open(context.home,
                        catalog::profile_named(context.profile).value_or(catalog::Profile::auto_)));
  SEL_TRY(aliases, catalog::Aliases::open(context.home / "catalog.db"));
  return std::unique_ptr<Catalog>(
      std::make_unique<catalog::AliasCatalog>(std::move(models), std::move(aliases)));
}

void add_model_verbs(CLI::App& app, Context& context) {
  add_pull(app, context);
  add_import(app, context);
  add_list_and_show(app, context);
  auto name = std::make_shared<std::string>();
  CLI::App* verb = app.add_subcommand("rm", "Remove a model's file from this machine");
  verb->add_option("name", *name, "The file's name in \"list\", or the id it is bound to")
      ->required();
  verb->callback([name, &context] { remove(context, *name); });
  auto id = std::make_shared<std::string>();
  CLI::App* unbinding =
      app.add_subcommand("unbind", "End what \"import --as\" began for an id; the file stays");
  unbinding->add_option("id", *id, "The model id")->required();
  unbinding->callback([id, &context] { unbind(context, *id); });
}

}  // namespace selvedge::cli
