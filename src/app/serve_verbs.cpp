// Command line to ServeOptions; refuses to expose a server without tokens.
#include "app/serve_verbs.h"

#include <map>
#include <memory>

#include <CLI/CLI.hpp>
#include <boost/asio/ip/address.hpp>

#include "app/places.h"
#include "app/serve_options.h"
#include "app/service.h"
#include "base/log.h"
#include "catalog/profile_names.h"
#include "cli/output.h"

namespace selvedge::app {
namespace {

const std::map<std::string, rag::AnswerMode> kAnswerModes = {{"auto", rag::AnswerMode::auto_},
                                                             {"model", rag::AnswerMode::model},
                                                             {"quote", rag::AnswerMode::quote}};

// Every address must be a literal; one that is not loopback needs a token.
// Errors: invalid_input.
Status check_exposure(const ServeOptions& options) {
  for (const std::string& text : options.addresses) {
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(text, error);
    if (error) return Error{Code::invalid_input, "\"" + text + "\" is not an IP address"};
    if (!address.is_loopback() && options.tokens.empty()) {
      return Error{Code::invalid_input,
                   "listening on " + text +
                       " exposes this server to others: give --token (clients then send it as "
                       "\"Authorization: Bearer …\"), or stay on loopback"};
    }
    if (!address.is_loopback() && options.with_bot) {
      return Error{Code::invalid_input,
                   "the bot's port has no tokens yet: \"selvedge bot\" stays "
                   "on loopback"};
    }
  }
  return ok_status();
}

void add_server_options(CLI::App& verb, const std::shared_ptr<ServeOptions>& options) {
  verb.add_option("--port", options->port, "Port of the API; 0 = any free one")
      ->capture_default_str();
  verb.add_option("--address", options->addresses, "Addresses to listen on")->capture_default_str();
  verb.add_option("--allow-host", options->allowed_hosts,
                  "Accept this Host header besides the loopback names (* = all)");
  verb.add_option("--token", options->tokens, "Ask for one of these bearer tokens")
      ->envname("SELVEDGE_TOKEN");
  verb.add_option("--runner", options->runner, "Program that runs a model")
      ->default_str("selvedge-runner beside this program");
  verb.add_option("--threads", options->threads, "Cores for inference; 0 = all")
      ->capture_default_str();
  verb.add_option("--memory", options->memory_mb, "MB that loaded models may take; 0 = 70% of RAM")
      ->capture_default_str();
  verb.add_option("--idle-unload", options->idle_unload_s,
                  "Seconds after which an idle model leaves")
      ->capture_default_str();
  verb.add_option("--index-idle", options->index_idle_s,
                  "Seconds after which an index that nobody asks for leaves memory")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  verb.add_option("--queue", options->queue, "Tasks that may wait for a model; one more gets 429")
      ->capture_default_str();
  verb.add_option(
          "--daily-neurons", options->daily_neurons,
          "Neurons an account may use between two midnights (UTC), then 429; 0 = any number "
          "(Cloudflare's free plan: 10000)")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  verb.add_option("--store", options->store,
                  "Keep pictures that are drawn: a folder, or s3://bucket/prefix with AWS_… in the "
                  "environment");
  verb.add_flag("--strict", options->strict,
                "Hold clients to Cloudflare's limits, and refuse the models it retired");
  verb.add_option("--log", options->log_level, "trace, debug, info, warn, error or off")
      ->capture_default_str();
  add_kit_options(verb, options->kit);
}

void start(const ServeOptions& options, cli::Context& context) {
  if (auto allowed = check_exposure(options); !allowed.ok()) {
    return cli::fail(context, allowed.error());
  }
  log::start(options.log_level);
  auto ended = run_service(options);
  if (!ended.ok()) cli::fail(context, ended.error());
}

// The global options are known only when the verb runs.
void take_globals(ServeOptions& options, const cli::Context& context) {
  options.home = context.home;
  options.profile = catalog::profile_named(context.profile).value_or(catalog::Profile::auto_);
  options.bot.account = context.account;
  if (options.runner.empty()) options.runner = default_runner();
  if (options.converter.empty()) options.converter = default_converter();
}

void add_serve(CLI::App& app, cli::Context& context) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* verb = app.add_subcommand("serve", "Start the server (API on port 7358)");
  add_server_options(*verb, options);
  verb->callback([options, &context] {
    take_globals(*options, context);
    start(*options, context);
  });
}

void add_bot(CLI::App& app, cli::Context& context) {
  auto options = std::make_shared<ServeOptions>();
  options->with_bot = true;
  CLI::App* verb = app.add_subcommand("bot", "Start the server and the RAG bot (port 8787)");
  add_server_options(*verb, options);
  verb->add_option("--bot-port", options->bot_port, "Port of the bot; the next free one is taken")
      ->capture_default_str();
  verb->add_option("--index", options->bot.index, "Vectorize index that holds the knowledge")
      ->capture_default_str();
  verb->add_option("--text-model", options->bot.text_model, "Model that answers")
      ->capture_default_str();
  verb->add_option("--embedding-model", options->bot.embedding_model, "Model that embeds")
      ->capture_default_str();
  verb->add_option(
          "--answer", options->bot.answer,
          "model, quote (the passages' own sentences), or auto: quote while the text model "
          "is a stand-in too small to read")
      ->transform(CLI::CheckedTransformer(kAnswerModes, CLI::ignore_case))
      ->default_str("auto");
  verb->callback([options, &context] {
    take_globals(*options, context);
    start(*options, context);
  });
}

}  // namespace

void add_serve_verbs(CLI::App& app, cli::Context& context) {
  add_serve(app, context);
  add_bot(app, context);
}

}  // namespace selvedge::app
