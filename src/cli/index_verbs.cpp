// Thin clients of the Vectorize routes: /client/v4/accounts/{account}/vectorize/v2/indexes.
#include "cli/index_verbs.h"

#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/api_client.h"
#include "cli/index_transfer_verbs.h"
#include "cli/index_tune_verb.h"
#include "cli/output.h"
#include "http/client.h"

namespace selvedge::cli {
namespace {

using nlohmann::json;

std::string indexes_path(const Context& context, std::string_view name = {},
                         std::string_view rest = {}) {
  std::string path =
      "/client/v4/accounts/" + http::percent_encoded(context.account) + "/vectorize/v2/indexes";
  if (!name.empty()) path += "/" + http::percent_encoded(name);
  path += rest;
  return path;
}

// Sends the call; prints the result as JSON when asked, else hands it to `print_result`.
void run_call(Context& context, std::string_view method, const std::string& path, const json* body,
              const std::function<void(const json&)>& print_result) {
  const ApiClient client(context.api_url, "server", context.token);
  auto answer = client.call(method, path, body == nullptr ? std::string() : body->dump());
  if (!answer.ok()) return fail(context, answer.error());
  const json result = answer->value("result", json());
  if (context.json) return print_line(result.dump(2));
  print_result(result);
}

void print_index(const json& index) {
  const json config = index.value("config", json::object());
  print_line(bold(index.value("name", "")) + "  " + std::to_string(config.value("dimensions", 0)) +
             " dimensions, " + config.value("metric", "") + ", created " +
             index.value("created_on", ""));
  if (const json text = index.value("description", json()); text.is_string() && text != "") {
    print_line("  " + text.get<std::string>());
  }
}

void add_create(CLI::App& group, Context& context) {
  struct Options {
    std::string name;
    int dimensions = 768;
    std::string metric = "cosine";
    std::string preset;
    std::string description;
    bool if_missing = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* verb = group.add_subcommand("create", "Create an index");
  verb->add_option("name", options->name, "Its name")->required();
  verb->add_option("--dimensions", options->dimensions, "Numbers per vector")
      ->capture_default_str();
  verb->add_option("--metric", options->metric, "How nearness is measured")
      ->check(CLI::IsMember({"cosine", "euclidean", "dot-product"}))
      ->capture_default_str();
  verb->add_option("--preset", options->preset,
                   "Take dimensions and metric from an embedding model");
  verb->add_option("--description", options->description, "A line about it");
  verb->add_flag("--if-missing", options->if_missing, "An index of this name is no error");
  verb->callback([options, &context] {
    if (options->if_missing) {
      const ApiClient client(context.api_url, "server", context.token);
      if (auto there = client.call("GET", indexes_path(context, options->name)); there.ok()) {
        if (context.json) return print_line(there->value("result", json()).dump(2));
        return print_line("index " + options->name + " is already there");
      }
    }
    json body = {{"name", options->name}};
    if (!options->description.empty()) body["description"] = options->description;
    if (options->preset.empty()) {
      body["config"] = {{"dimensions", options->dimensions}, {"metric", options->metric}};
    } else {
      body["config"] = {{"preset", options->preset}};
    }
    run_call(context, "POST", indexes_path(context), &body, [](const json& index) {
      print("created ");
      print_index(index);
    });
  });
}

std::string megabytes(const json& memory, const char* kind) {
  const auto tenths = (memory.value(kind, 0ull) + 50'000) / 100'000;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " MB";
}

void print_memory(const json& memory) {
  if (!memory.value("loaded", true)) {
    const auto all = memory.value("toReadCount", 0ull);
    if (all == 0) return print_line("not in memory, until somebody asks for its vectors");
    return print_line("is being read: " + std::to_string(memory.value("readCount", 0ull)) + " of " +
                      std::to_string(all) + " vectors");
  }
  print_line(std::to_string(memory.value("linkedCount", 0ull)) + " linked, " +
             std::to_string(memory.value("recentCount", 0ull)) + " recent, " +
             std::to_string(memory.value("deadCount", 0ull)) + " dead");
  print_line("memory: values " + megabytes(memory, "valuesBytes") + ", codes " +
             megabytes(memory, "codesBytes") + ", graph " + megabytes(memory, "graphBytes") +
             ", other " + megabytes(memory, "otherBytes") + "; mapped files " +
             megabytes(memory, "mappedBytes"));
}

// With what Vectorize says, what this server does; another one has no such route.
void show_info(Context& context, const std::string& name) {
  const ApiClient client(context.api_url, "server", context.token);
  auto answer = client.call("GET", indexes_path(context, name, "/info"));
  if (!answer.ok()) return fail(context, answer.error());
  json result = answer->value("result", json::object());
  auto memory = client.call("GET", indexes_path(context, name, "/memory"));
  if (memory.ok()) result["memory"] = memory->value("result", json::object());
  if (context.json) return print_line(result.dump(2));
  print_line(std::to_string(result.value("vectorCount", 0ull)) + " vectors of " +
             std::to_string(result.value("dimensions", 0)) + " dimensions");
  if (const json at = result.value("processedUpToDatetime", json()); at.is_string()) {
    print_line("last write " + at.get<std::string>());
  }
  if (memory.ok()) print_memory(result["memory"]);
}

void add_reads(CLI::App& group, Context& context) {
  CLI::App* list = group.add_subcommand("list", "List the indexes");
  list->callback([&context] {
    run_call(context, "GET", indexes_path(context), nullptr, [](const json& indexes) {
      if (indexes.empty()) print_line("no indexes yet; \"selvedge index create NAME\" makes one");
      for (const json& index : indexes) print_index(index);
    });
  });
  auto name = std::make_shared<std::string>();
  CLI::App* get = group.add_subcommand("get", "Show one index");
  get->add_option("name", *name, "Its name")->required();
  get->callback([name, &context] {
    run_call(context, "GET", indexes_path(context, *name), nullptr, print_index);
  });
  CLI::App* info = group.add_subcommand("info", "Show how many vectors it holds");
  info->add_option("name", *name, "Its name")->required();
  info->callback([name, &context] { show_info(context, *name); });
}

void add_delete(CLI::App& group, Context& context) {
  struct Options {
    std::string name;
    bool yes = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* verb = group.add_subcommand("delete", "Delete an index and its vectors");
  verb->add_option("name", options->name, "Its name")->required();
  verb->add_flag("-y,--yes,--force", options->yes, "Do not ask");
  verb->callback([options, &context] {
    if (!options->yes) {
      print("delete index " + options->name + " and all its vectors? [y/N] ");
      std::string answer;
      if (!std::getline(std::cin, answer) || (answer != "y" && answer != "yes")) {
        return fail(context, Error{Code::cancelled, "nothing was deleted"});
      }
    }
    run_call(context, "DELETE", indexes_path(context, options->name), nullptr,
             [options](const json&) { print_line("deleted " + options->name); });
  });
}

}  // namespace

void add_index_verbs(CLI::App& app, Context& context) {
  CLI::App* group = app.add_subcommand("index", "Vectorize indexes of the running server");
  group->require_subcommand(1);
  add_create(*group, context);
  add_reads(*group, context);
  add_delete(*group, context);
  add_index_tune_verb(*group, context);
  add_index_transfer_verbs(*group, context);
}

}  // namespace selvedge::cli
