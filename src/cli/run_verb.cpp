// Thin client of ai/run: text models stream, others print their answer.
#include "cli/run_verb.h"

#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "catalog/catalog.h"
#include "cli/api_client.h"
#include "cli/model_verbs.h"
#include "cli/output.h"
#include "http/client.h"

namespace selvedge::cli {
namespace {

using nlohmann::json;

struct RunOptions {
  std::string model;
  std::string prompt;
  std::string system;
  int max_tokens = 256;
  double temperature = 0.6;
  long long seed = 0;
  std::vector<std::string> contexts;
  std::string lora;
  std::string to;
  bool raw = false;
};

std::string run_path(const Context& context, const std::string& model) {
  return "/client/v4/accounts/" + http::percent_encoded(context.account) + "/ai/run/" + model;
}

json messages_of(const RunOptions& options) {
  json messages = json::array();
  if (!options.system.empty()) {
    messages.push_back({{"role", "system"}, {"content", options.system}});
  }
  messages.push_back({{"role", "user"}, {"content", options.prompt}});
  return messages;
}

json text_input(const RunOptions& options) {
  json input = {{"max_tokens", options.max_tokens}, {"temperature", options.temperature}};
  if (options.raw) {
    input["prompt"] = options.prompt;
    input["raw"] = true;
  } else {
    input["messages"] = messages_of(options);
  }
  if (options.seed > 0) input["seed"] = options.seed;
  if (!options.lora.empty()) input["lora"] = options.lora;
  return input;
}

// What an event of a stream adds: of Workers AI's older form, or of OpenAI's.
std::string text_of(const json& event) {
  constexpr const char* kPlaces[] = {"/response", "/choices/0/delta/content", "/choices/0/text"};
  for (const char* place : kPlaces) {
    const json::json_pointer pointer(place);
    if (event.contains(pointer) && event.at(pointer).is_string()) return event.at(pointer);
  }
  return {};
}

void run_text(Context& context, const RunOptions& options) {
  const ApiClient client(context.api_url, "server", context.token);
  json input = text_input(options);
  if (context.json) {
    auto answer = client.call("POST", run_path(context, options.model), input.dump());
    if (!answer.ok()) return fail(context, answer.error());
    return print_line(answer->value("result", json()).dump(2));
  }
  input["stream"] = true;
  std::string error;
  bool done = false;
  auto status = client.stream(
      run_path(context, options.model), input.dump(),
      [](std::string_view model, std::string_view) {
        std::fprintf(stderr, "%s\n", dim("answered by " + std::string(model)).c_str());
      },
      [&](const http::ServerEvent& event) {
        done = done || event.data == "[DONE]";
        const json data = json::parse(event.data, nullptr, false);
        if (!data.is_object()) return;
        if (data.contains("errors")) error = data["errors"].front().value("message", "failed");
        print(text_of(data));
      });
  if (status.ok() && !error.empty()) status = Error{Code::internal, error};
  if (status.ok() && !done) status = Error{Code::io, "the answer broke off"};
  if (!status.ok()) return fail(context, status.error());
  print_line("");
}

void run_ranking(Context& context, const RunOptions& options) {
  const ApiClient client(context.api_url, "server", context.token);
  json contexts = json::array();
  for (const std::string& text : options.contexts) contexts.push_back({{"text", text}});
  const json input = {{"query", options.prompt}, {"contexts", std::move(contexts)}};
  auto answer = client.call("POST", run_path(context, options.model), input.dump());
  if (!answer.ok()) return fail(context, answer.error());
  print_line(answer->value("result", json()).dump());
}

// Embedding models, classifiers, and those that translate or summarise.
void run_on_text(Context& context, const RunOptions& options, catalog::Task task) {
  const ApiClient client(context.api_url, "server", context.token);
  json input = {{"text", options.prompt}};
  if (task == catalog::Task::summarization) input = {{"input_text", options.prompt}};
  if (task == catalog::Task::translation) {
    if (options.to.empty()) {
      return fail(context, {Code::invalid_input, "say with --to into which language"});
    }
    // One for each of the two forms; the other one is left alone.
    input["target_lang"] = input["target_language"] = options.to;
  }
  auto answer = client.call("POST", run_path(context, options.model), input.dump());
  if (!answer.ok()) return fail(context, answer.error());
  print_line(answer->value("result", json()).dump());
}

}  // namespace

void add_run_verb(CLI::App& app, Context& context) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* verb = app.add_subcommand("run", "Run a model of the server on a text");
  verb->add_option("model", options->model, "Its id, such as @cf/meta/llama-3-8b-instruct")
      ->required();
  verb->add_option("prompt", options->prompt, "The text")->required();
  verb->add_option("--system", options->system, "The system message");
  verb->add_option("--max-tokens", options->max_tokens, "Longest completion")
      ->capture_default_str();
  verb->add_option("--temperature", options->temperature, "0 = always the likeliest token")
      ->capture_default_str();
  verb->add_option("--seed", options->seed, "The same seed gives the same completion");
  verb->add_option("--lora", options->lora, "Name or id of a LoRA adapter (\"selvedge finetune\")");
  verb->add_option("--to", options->to, "Of a translator: the language, such as fr");
  verb->add_flag("--raw", options->raw, "The text is the whole prompt, in the model's own format");
  verb->add_option("--context", options->contexts,
                   "Of a reranker: a text to be scored (may be repeated)")
      ->take_all()
      ->expected(1);
  verb->callback([options, &context] {
    auto models = open_catalog(context);
    if (!models.ok()) return fail(context, models.error());
    auto entry = (*models)->find(options->model);
    // The server may know further ones: those with an upstream.
    if (!entry.ok() && entry.error().code == Code::model_not_found) {
      return run_text(context, *options);
    }
    if (!entry.ok()) return fail(context, entry.error());
    if (catalog::is_reranker(**entry)) return run_ranking(context, *options);
    const catalog::Task task = (*entry)->task;
    if (task != catalog::Task::text_generation) return run_on_text(context, *options, task);
    run_text(context, *options);
  });
}

}  // namespace selvedge::cli
