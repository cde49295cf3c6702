// They change <home>/catalog.db, which a running server looks at with its next call.
#include "app/alias_verbs.h"

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "catalog/aliases.h"
#include "cli/output.h"
#include "cli/table.h"
#include "inference/upstream_catalog.h"

namespace selvedge::app {
namespace {

using catalog::Alias;
using catalog::Aliases;
using nlohmann::json;

// What has a name of its own: the catalogue, the user's models, and ids with an upstream.
Result<std::unique_ptr<catalog::Catalog>> open_models(const cli::Context& context) {
  SEL_TRY(models, catalog::Catalog::open(context.home, catalog::Profile::auto_));
  auto upstreams = std::make_shared<inference::Upstreams>(context.home / "upstreams.json");
  return std::unique_ptr<catalog::Catalog>(
      std::make_unique<inference::UpstreamCatalog>(std::move(models), std::move(upstreams)));
}

json alias_json(const Alias& alias) { return {{"name", alias.name}, {"id", alias.id}}; }

void add(cli::Context& context, const Alias& alias, bool replace) {
  const auto models = open_models(context);  // It makes the home folder, too.
  if (!models.ok()) return cli::fail(context, models.error());
  const auto aliases = Aliases::open(context.home / "catalog.db");
  if (!aliases.ok()) return cli::fail(context, aliases.error());
  const Status added = (*aliases)->add(alias, **models, replace);
  if (!added.ok()) return cli::fail(context, added.error());
  const auto answers = (*models)->resolve(alias.id);
  if (context.json) {
    json told = alias_json(alias);
    told["check"] = answers.ok() ? "ok" : answers.error().message;
    return cli::print_line(told.dump(2));
  }
  cli::print_line(alias.name + " is answered as " + alias.id);
  if (!answers.ok()) cli::print_line("but now: " + answers.error().message);
}

void list(cli::Context& context) {
  const auto models = open_models(context);
  if (!models.ok()) return cli::fail(context, models.error());
  const auto aliases = Aliases::open(context.home / "catalog.db");
  if (!aliases.ok()) return cli::fail(context, aliases.error());
  const auto all = (*aliases)->list();
  if (!all.ok()) return cli::fail(context, all.error());
  json told = json::array();
  cli::Table table({"alias", "answered as", "by"});
  for (const Alias& alias : **all) {
    const auto answers = (*models)->resolve(alias.id);
    told.push_back(alias_json(alias));
    if (answers.ok()) told.back()["answered_by"] = answers->answered_by;
    if (!answers.ok()) told.back()["reason"] = answers.error().message;
    table.add({alias.name, alias.id, answers.ok() ? answers->answered_by : "nothing yet"});
  }
  if (context.json) return cli::print_line(told.dump(2));
  cli::print(table.empty() ? "no model has an alias\n" : table.text());
}

void remove(cli::Context& context, const std::string& name) {
  const auto aliases = Aliases::open(context.home / "catalog.db");
  if (!aliases.ok()) return cli::fail(context, aliases.error());
  const Status removed = (*aliases)->remove(name);
  if (!removed.ok()) return cli::fail(context, removed.error());
  if (context.json) return cli::print_line(json({{"removed", name}}).dump(2));
  cli::print_line(name + " is no alias any more");
}

}  // namespace

void add_alias_verbs(CLI::App& app, cli::Context& context) {
  CLI::App* group = app.add_subcommand("alias", "Further names of models");
  group->require_subcommand(1);
  auto alias = std::make_shared<Alias>();
  auto replace = std::make_shared<bool>(false);
  CLI::App* verb =
      group->add_subcommand("add", "Let a call for a name be answered as one for a model");
  verb->add_option("name", alias->name, "The name, such as gpt-4o-mini")->required();
  verb->add_option("id", alias->id, "The model: @cf/..., or any other that answers here")
      ->required();
  verb->add_flag("--replace", *replace, "Also where the name is a model, or another one's alias");
  verb->callback([alias, replace, &context] { add(context, *alias, *replace); });
  group->add_subcommand("list", "List them")->callback([&context] { list(context); });
  auto name = std::make_shared<std::string>();
  CLI::App* removal = group->add_subcommand("remove", "Let the name be none any more");
  removal->add_option("name", *name, "The alias")->required();
  removal->callback([name, &context] { remove(context, *name); });
}

}  // namespace selvedge::app
