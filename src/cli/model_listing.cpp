// Model listing: tables for people, JSON for programs.
#include "cli/model_listing.h"

#include <array>
#include <cstdio>
#include <optional>

#include <nlohmann/json.hpp>

#include "catalog/model_table.h"
#include "catalog/task_names.h"
#include "cli/model_verbs.h"
#include "cli/output.h"
#include "cli/table.h"

namespace selvedge::cli {

namespace {

using catalog::Artifact;
using catalog::Installed;
using catalog::ModelEntry;
using nlohmann::json;

// "25608", "41.14".
std::string number_text(double number) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.10g", number);
  return text;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// What answers for an id now: a word for programs, and the file's name or the reason.
struct State {
  const char* word = "not_installed";  // installed, stand_in, not_installed, unsupported
  std::string answered_by;
  std::string reason;
};

State state_of(const catalog::Catalog& models, const std::string& id) {
  const auto resolved = models.resolve(id);
  if (resolved.ok()) {
    return {resolved->stand_in ? "stand_in" : "installed", resolved->answered_by, ""};
  }
  const bool unsupported = resolved.error().code == Code::model_unsupported;
  return {unsupported ? "unsupported" : "not_installed", "", resolved.error().message};
}

json state_json(const State& state) {
  json out = {{"state", state.word}};
  if (!state.answered_by.empty()) out["answered_by"] = state.answered_by;
  if (!state.reason.empty()) out["reason"] = state.reason;
  return out;
}

std::string state_text(const State& state) {
  const std::string word = state.word;
  if (word == "installed") return state.answered_by;
  if (word == "stand_in") return "stand-in: " + state.answered_by;
  return word == "unsupported" ? "not served yet" : "not installed";
}

void list_installed(Context& context, const catalog::Catalog& models,
                    std::optional<catalog::Task> task) {
  auto installed = models.installed();
  if (!installed.ok()) return fail(context, installed.error());
  json rows = json::array();
  Table table({"NAME", "SIZE", "TASK", "ANSWERS FOR"});
  for (const Installed& file : *installed) {
    if (task.has_value() && file.task != *task) continue;
    rows.push_back(installed_json(file));
    table.add({file.name, catalog::readable_bytes(file.bytes),
               std::string(catalog::task_name(file.task)), answers_for(file)});
  }
  if (context.json) return print_line(rows.dump(2));
  if (table.empty()) {
    return print_line(
        "no models on this machine yet: \"selvedge pull ID\" fetches one, \"selvedge import FILE\" "
        "takes one in, \"selvedge list --all\" shows the catalogue");
  }
  print(table.text());
}

void list_catalogue(Context& context, const catalog::Catalog& models,
                    std::optional<catalog::Task> task) {
  json rows = json::array();
  Table table({"ID", "TASK", "ANSWERED BY", ""});
  for (const ModelEntry* each : models.all_entries()) {
    const ModelEntry& entry = *each;
    if (task.has_value() && entry.task != *task) continue;
    const State state = state_of(models, entry.id);
    json row = {{"id", entry.id}, {"task", entry.task_name}, {"deprecated", entry.deprecated}};
    row.update(state_json(state));
    rows.push_back(std::move(row));
    table.add({entry.id, entry.task_name, state_text(state),
               entry.deprecated ? "retired " + entry.deprecated_on
               : entry.own      ? "own"
                                : ""});
  }
  if (context.json) return print_line(rows.dump(2));
  print(table.text());
}

json artifact_json(const Artifact& artifact) {
  return {{"name", artifact.name},       {"file", artifact.file},
          {"url", artifact.url},         {"sha256", artifact.sha256},
          {"bytes", artifact.bytes},     {"bytes_about", artifact.bytes_about},
          {"licence", artifact.licence}, {"task", catalog::task_name(artifact.task)},
          {"part", artifact.part},       {"stand_in", artifact.stand_in},
          {"reader", artifact.reader},   {"models", artifact.models}};
}

std::vector<const Artifact*> artifacts_of(const catalog::Catalog& models, const std::string& id) {
  std::vector<const Artifact*> found;
  for (const Artifact& artifact : models.artifacts()) {
    for (const std::string& model : artifact.models) {
      if (model == id) found.push_back(&artifact);
    }
  }
  return found;
}

struct ProfileState {
  const char* profile;
  State state;
};

Result<std::vector<ProfileState>> states_by_profile(const Context& context, const std::string& id) {
  std::vector<ProfileState> states;
  for (const char* profile : {"exact", "small", "auto"}) {
    Context other = context;
    other.profile = profile;
    SEL_TRY(models, open_catalog(other));
    states.push_back({profile, state_of(*models, id)});
  }
  return states;
}

json entry_json(const ModelEntry& entry) {
  json prices = json::object();
  for (const catalog::UnitPrice& price : entry.prices.units) prices[price.unit] = price.neurons;
  return {{"id", entry.id},
          {"uuid", entry.uuid},
          {"task", entry.task_name},
          {"task_id", entry.task_id},
          {"description", entry.description},
          {"schema", entry.schema == catalog::Schema::openai ? "openai" : "legacy"},
          {"context_tokens", entry.context_tokens},
          {"output_dimensions", entry.output_dimensions},
          {"lora", entry.lora},
          {"function_calling", entry.function_calling},
          {"deprecated", entry.deprecated},
          {"deprecated_on", entry.deprecated_on},
          {"listed", entry.listed},
          {"traits", entry.traits},
          {"neurons", std::move(prices)},
          {"own", entry.own},
          {"weights", entry.weights}};
}

void print_field(const std::string& name, const std::string& value) {
  if (!value.empty()) print_line("  " + padded(name, 14) + value);
}

void print_artifact(const Artifact& artifact) {
  std::string size = "size not known";
  if (artifact.bytes_about > 0) {
    size = (artifact.bytes > 0 ? "" : "about ") + catalog::readable_bytes(artifact.bytes_about);
  }
  print_field(artifact.part.empty() ? "weights" : artifact.part,
              artifact.name + " (" + size + ", licence " + artifact.licence + ")");
  print_field("", artifact.url.empty() ? "made by ./run" : artifact.url);
  print_field("", "SHA-256 " + (artifact.sha256.empty() ? "not published" : artifact.sha256));
}

void print_entry(const ModelEntry& entry) {
  print_line(bold(entry.id));
  print_field("", entry.description);
  print_field("task", entry.task_name);
  print_field("uuid", entry.uuid);
  print_field("schema", entry.schema == catalog::Schema::openai ? "openai" : "legacy");
  if (entry.context_tokens > 0) {
    print_field("context", std::to_string(entry.context_tokens) + " tokens");
  }
  if (entry.output_dimensions > 0) {
    print_field("dimensions", std::to_string(entry.output_dimensions));
  }
  std::vector<std::string> can = entry.traits;
  if (entry.lora) can.emplace_back("lora");
  if (entry.function_calling) can.emplace_back("function calling");
  print_field("traits", joined(can));
  if (entry.deprecated) print_field("retired", entry.deprecated_on + " (by Cloudflare; not here)");
  std::vector<std::string> prices;
  for (const catalog::UnitPrice& price : entry.prices.units) {
    prices.push_back(number_text(price.neurons) + " " + price.unit);
  }
  print_field("neurons", entry.own ? "0: it is your own" : joined(prices));
  if (!entry.weights.empty()) {
    print_field("open weights", "https://huggingface.co/" + entry.weights);
  }
}

void show_entry(Context& context, const catalog::Catalog& models, const ModelEntry& entry) {
  const auto states = states_by_profile(context, entry.id);
  if (!states.ok()) return fail(context, states.error());
  const auto artifacts = artifacts_of(models, entry.id);
  if (context.json) {
    json out = entry_json(entry);
    out["artifacts"] = json::array();
    for (const Artifact* artifact : artifacts) out["artifacts"].push_back(artifact_json(*artifact));
    for (const ProfileState& each : *states) out["now"][each.profile] = state_json(each.state);
    return print_line(out.dump(2));
  }
  print_entry(entry);
  for (const Artifact* artifact : artifacts) print_artifact(*artifact);
  for (const ProfileState& each : *states) {
    const std::string& reason = each.state.reason;
    print_field(std::string("now, ") + each.profile,
                reason.empty() ? state_text(each.state) : reason);
  }
}

// A name that is no id: an installed file, an artifact, or both.
void show_file(Context& context, const catalog::Catalog& models, const std::string& name) {
  auto installed = models.installed();
  if (!installed.ok()) return fail(context, installed.error());
  json out = json::object();
  for (const Artifact& artifact : models.artifacts()) {
    if (artifact.name != name) continue;
    out["artifact"] = artifact_json(artifact);
    if (context.json) continue;
    print_line(bold(name));
    print_artifact(artifact);
    print_field("weights of", joined(artifact.models));
  }
  for (const Installed& file : *installed) {
    if (file.name != name) continue;
    const bool first = out.empty();
    out["installed"] = installed_json(file);
    if (context.json) continue;
    if (first) print_line(bold(name));
    print_field("installed", file.path.string());
    print_field("from", file.source);
    print_field("sha-256", file.sha256);
    print_field("answers for", answers_for(file));
  }
  if (out.empty()) {
    return fail(context, {Code::model_not_found, "no model or file is called \"" + name + "\""});
  }
  if (context.json) print_line(out.dump(2));
}

}  // namespace

json installed_json(const Installed& file) {
  return {{"name", file.name},         {"path", file.path.string()},
          {"sha256", file.sha256},     {"bytes", file.bytes},
          {"source", file.source},     {"task", catalog::task_name(file.task)},
          {"stand_in", file.stand_in}, {"models", file.models},
          {"part", file.part}};
}

std::string answers_for(const Installed& file) {
  std::string text = joined(file.models);
  if (!file.part.empty()) text.insert(0, file.part + " of ");
  if (file.stand_in) {
    text += (text.empty() ? "" : "; ") + std::string("stands in for ") +
            std::string(catalog::task_name(file.task));
  }
  return text.empty() ? "nothing" : text;
}

void list_models(Context& context, const ListOptions& options) {
  std::optional<catalog::Task> task;
  if (!options.task.empty()) {
    task = catalog::task_from_name(options.task);
    if (!task.has_value()) {
      return fail(context, {Code::invalid_input, "no task is called \"" + options.task + "\""});
    }
  }
  auto models = open_catalog(context);
  if (!models.ok()) return fail(context, models.error());
  if (options.all) return list_catalogue(context, **models, task);
  list_installed(context, **models, task);
}

void show_model(Context& context, const std::string& name) {
  auto models = open_catalog(context);
  if (!models.ok()) return fail(context, models.error());
  const auto entry = (*models)->find(name);
  if (entry.ok()) return show_entry(context, **models, **entry);
  show_file(context, **models, name);
}

}  // namespace selvedge::cli
