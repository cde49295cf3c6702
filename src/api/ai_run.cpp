// AI run: from a model's name and inputs to its answer.
#include "api/ai_run.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "api/embedding.h"
#include "api/json_reader.h"
#include "api/openai_run.h"
#include "api/text_generation.h"
#include "api/usage.h"
#include "base/offload.h"

namespace selvedge::api {
namespace {

// Longer ids exist nowhere; a longer one is not repeated in full.
constexpr std::size_t kModelIdShownBytes = 128;

// What takes longer than about a millisecond leaves the I/O thread.
constexpr std::size_t kInlineBodyBytes = 64 * 1024;
constexpr std::size_t kInlineValues = 8 * 1024;

asio::awaitable<Result<nlohmann::json>> parse_inputs(const ApiContext& context,
                                                     std::string_view input) {
  if (input.size() <= kInlineBodyBytes) co_return parse_object(input);
  auto work = [input] { return parse_object(input); };
  auto parsed = co_await offload(context.pool, std::move(work));
  co_return std::move(parsed);
}

asio::awaitable<std::string> write_embeddings(const ApiContext& context,
                                              const inference::Embeddings& embeddings,
                                              wire::Pooling pooling) {
  if (embeddings.values.size() <= kInlineValues) co_return embed_result(embeddings, pooling);
  auto work = [&embeddings, pooling] { return embed_result(embeddings, pooling); };
  auto written = co_await offload(context.pool, std::move(work));
  co_return std::move(written);
}

asio::awaitable<Result<AiAnswer>> run_text_generation(const ApiContext& context, AiCall call,
                                                      catalog::Resolved model,
                                                      GenerateCall generate) {
  generate.task.refuse_when_busy = call.options.reject_if_busy;
  auto started = co_await context.inference.generate(model, std::move(generate.task));
  SEL_CO_TRY(stream, std::move(started));
  const catalog::ModelEntry& entry = *model.entry;
  AiAnswer answer;
  answer.model = std::move(model);
  if (generate.stream) {
    answer.events =
        std::make_unique<CompletionEvents>(std::move(stream), entry, std::move(call.error_json));
    co_return std::move(answer);
  }
  auto collected = co_await collect(*stream);
  SEL_CO_TRY(completion, std::move(collected));
  const double neurons = neurons_of(entry, completion.usage);
  answer.neurons = neurons;
  answer.result_json = generate_result(completion.text, completion.usage, neurons);
  co_return std::move(answer);
}

asio::awaitable<Result<AiAnswer>> run_openai_native(const ApiContext& context, AiCall call,
                                                    nlohmann::json inputs) {
  SEL_CO_TRY(native, parse_native_openai(inputs, call.model));
  SEL_CO_TRY(resolved, context.catalog.resolve(call.model));
  for (auto& task : native.call.tasks) task.refuse_when_busy = call.options.reject_if_busy;
  auto ran = co_await run_openai(context, resolved, std::move(native.call), std::move(native.form),
                                 std::move(call.error_json));
  SEL_CO_TRY(made, std::move(ran));
  AiAnswer answer;
  answer.model = std::move(resolved);
  answer.events = std::move(made.events);
  if (!answer.events) answer.neurons = made.neurons;
  answer.result_json = std::move(made.json);
  co_return std::move(answer);
}

asio::awaitable<Result<AiAnswer>> run_embedding(const ApiContext& context, AiCall call,
                                                catalog::Resolved model,
                                                inference::EmbedTask task) {
  const wire::Pooling pooling = task.pooling;
  task.refuse_when_busy = call.options.reject_if_busy;
  auto embedded = co_await context.inference.embed(model, std::move(task));
  SEL_CO_TRY(embeddings, std::move(embedded));
  AiAnswer answer;
  answer.neurons = neurons_of(*model.entry, embeddings.usage);
  answer.model = std::move(model);
  answer.result_json = co_await write_embeddings(context, embeddings, pooling);
  co_return std::move(answer);
}

// Errors: model_not_found, model_deprecated.
Result<const catalog::ModelEntry*> find_model(const ApiContext& context, const std::string& model) {
  auto found = context.catalog.find(model);
  if (!found.ok() && found.error().code == Code::model_not_found) {
    return Error{Code::model_not_found,
                 "No such model " + model.substr(0, kModelIdShownBytes) + " or task"};
  }
  if (!found.ok()) return found;
  const catalog::ModelEntry& entry = **found;
  if (!entry.deprecated || context.rules.retired_models_served) return found;
  std::string message = "Model has been deprecated: This model was deprecated";
  if (!entry.deprecated_on.empty()) message += " on " + entry.deprecated_on;
  message += ". Please use an alternative model.";
  return Error{Code::model_deprecated, std::move(message)};
}

// Clients search for these words when they decide to try again.
Error hosted_wording(Error error) {
  if (error.code == Code::queue_full) {
    error.message = "Capacity temporarily exceeded, please try again.";
  }
  return error;
}

// `options` may stand among the inputs of a REST call. It is no input of any model.
Status take_options(nlohmann::json& inputs, RunOptions& options) {
  const auto given = inputs.find("options");
  if (given == inputs.end()) return ok_status();
  SEL_CHECK_OK(add_run_options(*given, options));
  inputs.erase(given);
  return ok_status();
}

asio::awaitable<Result<AiAnswer>> run_found(const ApiContext& context, AiCall call,
                                            const catalog::ModelEntry& entry,
                                            nlohmann::json inputs) {
  SEL_CO_CHECK_OK(take_options(inputs, call.options));
  if (entry.task == catalog::Task::text_generation && entry.schema == catalog::Schema::openai) {
    auto answer = co_await run_openai_native(context, std::move(call), std::move(inputs));
    co_return std::move(answer);
  }
  if (entry.task == catalog::Task::text_generation) {
    SEL_CO_TRY(generate, parse_generate(inputs));
    SEL_CO_TRY(resolved, context.catalog.resolve(call.model));
    auto answer = co_await run_text_generation(context, std::move(call), std::move(resolved),
                                               std::move(generate));
    co_return std::move(answer);
  }
  if (entry.task == catalog::Task::text_embeddings) {
    SEL_CO_TRY(task, parse_embed(inputs));
    SEL_CO_TRY(resolved, context.catalog.resolve(call.model));
    auto answer =
        co_await run_embedding(context, std::move(call), std::move(resolved), std::move(task));
    co_return std::move(answer);
  }
  co_return Error{Code::model_unsupported,
                  "The task of model " + call.model + " is not served by this server"};
}

Result<AiAnswer> worded(Result<AiAnswer> ran) {
  if (ran.ok()) return ran;
  return hosted_wording(std::move(ran).error());
}

}  // namespace

std::string answered_by(const catalog::Resolved& model) {
  return model.stand_in ? model.answered_by + "; stand-in" : model.answered_by;
}

asio::awaitable<Result<AiAnswer>> run_inputs(const ApiContext& context, AiCall call,
                                             nlohmann::json inputs) {
  SEL_CO_TRY(entry, find_model(context, call.model));
  auto ran = co_await run_found(context, std::move(call), *entry, std::move(inputs));
  co_return worded(std::move(ran));
}

asio::awaitable<Result<AiAnswer>> run_model(const ApiContext& context, AiCall call,
                                            std::string_view input) {
  SEL_CO_TRY(entry, find_model(context, call.model));
  auto parsed = co_await parse_inputs(context, input);
  SEL_CO_TRY(inputs, std::move(parsed));
  auto ran = co_await run_found(context, std::move(call), *entry, std::move(inputs));
  co_return worded(std::move(ran));
}

}  // namespace selvedge::api
