// Thin clients of ai/finetunes.
#include "cli/finetune_verbs.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/uuid.h"
#include "catalog/adapter_check.h"
#include "cli/api_client.h"
#include "cli/output.h"
#include "cli/table.h"
#include "http/client.h"

namespace selvedge::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct CreateOptions {
  std::string model;
  std::string name;
  std::string folder;
  std::string description;
  bool is_public = false;
};

std::string finetunes_path(const Context& context) {
  return "/client/v4/accounts/" + http::percent_encoded(context.account) + "/ai/finetunes";
}

Result<std::string> read_file(const fs::path& file) {
  std::error_code problem;
  const std::uintmax_t bytes = fs::file_size(file, problem);
  if (problem) return Error{Code::not_found, "cannot read " + file.string()};
  std::string content(bytes, '\0');
  std::ifstream stream(file, std::ios::binary);
  stream.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (!stream) return Error{Code::io, "cannot read " + file.string()};
  return content;
}

// Errors: those of the server.
Status upload(const ApiClient& client, const std::string& path, std::string_view name,
              const std::string& content) {
  const std::string boundary = "selvedge-" + random_uuid();
  std::string body = "--" + boundary +
                     "\r\nContent-Disposition: form-data; name=\"file_name\"\r\n\r\n" +
                     std::string(name) + "\r\n--" + boundary +
                     "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" +
                     std::string(name) + "\"\r\nContent-Type: application/octet-stream\r\n\r\n" +
                     content + "\r\n--" + boundary + "--\r\n";
  auto answer =
      client.call("POST", path, std::move(body), "multipart/form-data; boundary=" + boundary);
  if (!answer.ok()) return answer.error();
  return ok_status();
}

// All or nothing: a fine-tune that lacks a file is removed again.
Result<json> create(const Context& context, const CreateOptions& options) {
  // Both files are read before anything is made.
  const fs::path folder = options.folder;
  SEL_TRY(config, read_file(folder / catalog::kAdapterConfigName));
  SEL_TRY(weights, read_file(folder / catalog::kAdapterWeightsName));
  const ApiClient client(context.api_url, "server", context.token);
  json body = {{"model", options.model}, {"name", options.name}};
  if (!options.description.empty()) body["description"] = options.description;
  if (options.is_public) body["public"] = true;
  SEL_TRY(created, client.call("POST", finetunes_path(context), body.dump()));
  json finetune = created.value("result", json::object());
  const std::string own =
      finetunes_path(context) + "/" + http::percent_encoded(finetune.value("id", ""));
  const std::string assets = own + "/finetune-assets";
  Status sent = upload(client, assets, catalog::kAdapterConfigName, config);
  if (sent.ok()) sent = upload(client, assets, catalog::kAdapterWeightsName, weights);
  if (sent.ok()) return finetune;
  const auto removed = client.call("DELETE", own);
  if (removed.ok()) return sent.error();
  return Error{sent.error().code, sent.error().message + " (and the finetune \"" + options.name +
                                      "\" could not be removed again)"};
}

void add_create(CLI::App& app, Context& context) {
  auto options = std::make_shared<CreateOptions>();
  CLI::App* verb = app.add_subcommand(
      "create", "Upload a LoRA adapter: adapter_config.json and adapter_model.safetensors");
  verb->add_option("model", options->model, "Id of the model that it was trained for")->required();
  verb->add_option("name", options->name, "Its name, for the input \"lora\"")->required();
  verb->add_option("folder", options->folder, "Where the two files are")->required();
  verb->add_option("--description", options->description, "What it is for");
  verb->add_flag("--public", options->is_public, "Let every account of this server use it");
  verb->callback([options, &context] {
    auto created = create(context, *options);
    if (!created.ok()) return fail(context, created.error());
    if (context.json) return print_line(created->dump(2));
    print_line("created " + bold(options->name) + " for " + options->model);
  });
}

void add_list(CLI::App& app, Context& context) {
  CLI::App* verb = app.add_subcommand("list", "List the LoRA adapters of the account");
  verb->callback([&context] {
    const ApiClient client(context.api_url, "server", context.token);
    auto answer = client.call("GET", finetunes_path(context));
    if (!answer.ok()) return fail(context, answer.error());
    const json all = answer->value("result", json::array());
    if (context.json) return print_line(all.dump(2));
    Table table({"NAME", "MODEL", "CREATED", "ID"});
    for (const json& one : all) {
      table.add({one.value("name", ""), one.value("model", ""), one.value("created_at", ""),
                 one.value("id", "")});
    }
    if (table.empty()) return print_line("no adapters; make one with \"selvedge finetune create\"");
    print(table.text());
  });
}

void add_delete(CLI::App& app, Context& context) {
  auto name = std::make_shared<std::string>();
  CLI::App* verb = app.add_subcommand("delete", "Remove a LoRA adapter with its files");
  verb->add_option("name", *name, "Its name or id")->required();
  verb->callback([name, &context] {
    const ApiClient client(context.api_url, "server", context.token);
    auto answer =
        client.call("DELETE", finetunes_path(context) + "/" + http::percent_encoded(*name));
    if (!answer.ok()) return fail(context, answer.error());
    if (context.json) return print_line(json({{"removed", *name}}).dump(2));
    print_line("removed " + *name);
  });
}

}  // namespace

void add_finetune_verbs(CLI::App& app, Context& context) {
  CLI::App* verb = app.add_subcommand("finetune", "LoRA adapters of the server");
  verb->require_subcommand(1);
  add_create(*verb, context);
  add_list(*verb, context);
  add_delete(*verb, context);
}

}  // namespace selvedge::cli
