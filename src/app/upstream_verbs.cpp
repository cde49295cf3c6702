// They change <home>/upstreams.json, which a running server looks at with its next call.
#include "app/upstream_verbs.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "catalog/aliases.h"
#include "catalog/own_id.h"
#include "catalog/task_names.h"
#include "cli/output.h"
#include "cli/table.h"
#include "http/client.h"
#include "inference/upstream.h"
#include "inference/upstream_catalog.h"

namespace selvedge::app {
namespace {

using inference::Upstream;
using nlohmann::json;

std::filesystem::path file_of(const cli::Context& context) {
  return context.home / "upstreams.json";
}

// Errors: file_invalid.
Result<std::vector<Upstream>> read_all(const cli::Context& context) {
  std::ifstream file(file_of(context), std::ios::binary);
  if (!file) return std::vector<Upstream>();
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return inference::parse_upstreams(text);
}

Status write_all(const cli::Context& context, const std::vector<Upstream>& upstreams) {
  std::error_code failed;
  std::filesystem::create_directories(context.home, failed);
  const auto file = file_of(context);
  const auto partial = context.home / "upstreams.json.partial";
  {
    std::ofstream out(partial, std::ios::binary | std::ios::trunc);
    out << inference::upstreams_json(upstreams);
    if (!out.flush()) return Error{Code::io, "cannot write " + partial.string()};
  }
  std::filesystem::rename(partial, file, failed);
  if (failed) return Error{Code::io, "cannot write " + file.string() + ": " + failed.message()};
  return ok_status();
}

// Of what a server says to GET <url>/models: ok, or what is wrong.
Status probe(const Upstream& upstream) {
  http::ClientRequest request;
  request.url = upstream.url + "/models";
  request.connect_ms_max = upstream.connect_ms_max;
  request.silence_ms_max = std::min(upstream.silence_ms_max, 10'000);
  if (!upstream.key_variable.empty()) {
    const char* key = std::getenv(upstream.key_variable.c_str());
    if (key == nullptr) {
      return Error{Code::unavailable,
                   "the environment variable " + upstream.key_variable + " is not set"};
    }
    request.headers.emplace_back("authorization", std::string("Bearer ") + key);
  }
  const auto response = http::send(request);
  if (!response.ok()) return response.error();
  if (response->status == 401 || response->status == 403) {
    return Error{Code::unauthorized, "it refuses the key"};
  }
  if (response->status != 200) {
    return Error{Code::unavailable, "it answers " + std::to_string(response->status)};
  }
  const json listed = json::parse(response->body, nullptr, false);
  const auto data = listed.is_object() ? listed.find("data") : listed.end();
  if (data == listed.end() || !data->is_array()) return ok_status();  // It lists none: no harm.
  const bool has = std::any_of(data->begin(), data->end(), [&](const json& each) {
    return each.is_object() && each.value("id", json()) == upstream.model;
  });
  if (has || data->empty()) return ok_status();
  return Error{Code::model_not_found, "it has no model \"" + upstream.model + "\""};
}

// Whether an upstream can answer for this id.
Status check_id(const cli::Context& context, const std::string& id) {
  SEL_TRY(models, catalog::Catalog::open(context.home, catalog::Profile::auto_));
  SEL_TRY(aliases, catalog::Aliases::open(context.home / "catalog.db"));
  const std::string target = aliases->target_of(id);
  if (target != id) {
    return Error{Code::already_exists, "\"" + id + "\" is an alias of " + target +
                                           ", which goes before upstreams; take it away with "
                                           "\"selvedge alias remove\", or name that id"};
  }
  const auto known = models->find(id);
  if (!known.ok()) return catalog::check_own_id(models->artifacts(), id);
  if (inference::upstream_can((*known)->task)) return ok_status();
  return Error{Code::invalid_input, "upstreams answer for texts and embeddings; the task of " + id +
                                        " is " + (*known)->task_name};
}

struct AddOptions {
  Upstream upstream;
  std::string task = "Text Generation";
};

void add(cli::Context& context, AddOptions options) {
  Upstream& wanted = options.upstream;
  const auto task = catalog::task_from_name(options.task);
  if (!task) {
    return cli::fail(context,
                     Error{Code::invalid_input, "--task: \"" + options.task + "\" is none"});
  }
  wanted.task = *task;
  while (wanted.url.ends_with('/')) wanted.url.pop_back();
  if (wanted.model.empty()) wanted.model = wanted.id;
  const Status sound = inference::check_upstream(wanted);
  if (!sound.ok()) return cli::fail(context, sound.error());
  const Status possible = check_id(context, wanted.id);
  if (!possible.ok()) return cli::fail(context, possible.error());
  auto all = read_all(context);
  if (!all.ok()) return cli::fail(context, all.error());
  std::erase_if(*all, [&](const Upstream& each) { return each.id == wanted.id; });
  all->push_back(wanted);
  const Status written = write_all(context, *all);
  if (!written.ok()) return cli::fail(context, written.error());
  const Status answers = probe(wanted);
  if (context.json) {
    json told = {{"id", wanted.id}, {"url", wanted.url}, {"model", wanted.model}};
    told["check"] = answers.ok() ? "ok" : answers.error().message;
    return cli::print_line(told.dump(2));
  }
  cli::print_line(wanted.id + " is answered by " + wanted.name());
  if (!answers.ok()) cli::print_line("but now: " + answers.error().message);
}

void list(cli::Context& context, bool checked) {
  const auto all = read_all(context);
  if (!all.ok()) return cli::fail(context, all.error());
  json told = json::array();
  cli::Table table(checked ? std::vector<std::string>{"id", "answered by", "key", "check"}
                           : std::vector<std::string>{"id", "answered by", "key"});
  for (const Upstream& one : *all) {
    json row = json::parse(inference::upstreams_json({one})).front();
    std::vector<std::string> cells = {one.id, one.model + " at " + one.url,
                                      one.key_variable.empty() ? "-" : "$" + one.key_variable};
    if (checked) {
      const Status answers = probe(one);
      cells.push_back(answers.ok() ? "ok" : answers.error().message);
      row["check"] = cells.back();
      if (!answers.ok()) context.exit_code = 1;
    }
    told.push_back(std::move(row));
    table.add(std::move(cells));
  }
  if (context.json) return cli::print_line(told.dump(2));
  cli::print(table.empty() ? "no model has an upstream\n" : table.text());
}

void remove(cli::Context& context, const std::string& id) {
  auto all = read_all(context);
  if (!all.ok()) return cli::fail(context, all.error());
  if (std::erase_if(*all, [&](const Upstream& each) { return each.id == id; }) == 0) {
    return cli::fail(context, Error{Code::not_found, "model " + id + " has no upstream"});
  }
  const Status written = write_all(context, *all);
  if (!written.ok()) return cli::fail(context, written.error());
  if (context.json) return cli::print_line(json({{"removed", id}}).dump(2));
  cli::print_line(id + " has no upstream any more");
}

void add_add(CLI::App& group, cli::Context& context) {
  auto options = std::make_shared<AddOptions>();
  Upstream& wanted = options->upstream;
  CLI::App* verb = group.add_subcommand(
      "add",
      "Let a server that speaks OpenAI's API answer for a model id, or change which one does");
  verb->add_option("id", wanted.id, "The model id: @cf/..., or any other")->required();
  verb->add_option("url", wanted.url, "The base of its API, such as http://127.0.0.1:8080/v1")
      ->required();
  verb->add_option("--model", wanted.model, "The model's name there; default: the id");
  verb->add_option("--key-variable", wanted.key_variable,
                   "Environment variable of the server that holds its bearer token");
  verb->add_option("--task", options->task, "Of an id that the catalogue lacks")
      ->capture_default_str();
  verb->add_option("--dimensions", wanted.dimensions, "Of embeddings of such an id");
  verb->add_option("--silence-ms", wanted.silence_ms_max,
                   "Without a byte for so long an answer is given up")
      ->capture_default_str();
  verb->add_option("--tries", wanted.tries, "How often a call is tried until its first token came")
      ->capture_default_str();
  verb->callback([options, &context] { add(context, *options); });
}

}  // namespace

void add_upstream_verbs(CLI::App& app, cli::Context& context) {
  CLI::App* group = app.add_subcommand("upstream", "Remote servers that answer for model ids");
  group->require_subcommand(1);
  add_add(*group, context);
  group->add_subcommand("list", "List them")->callback([&context] { list(context, false); });
  group->add_subcommand("check", "List them, and ask each whether it answers")
      ->callback([&context] { list(context, true); });
  auto id = std::make_shared<std::string>();
  CLI::App* verb = group->add_subcommand("remove", "Let the model answer here again");
  verb->add_option("id", *id, "The model id")->required();
  verb->callback([id, &context] { remove(context, *id); });
}

}  // namespace selvedge::app
