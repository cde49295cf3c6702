// AI run: the call and its REST form.
#include "api/ai_run.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "api/embedding.h"
#include "api/errors.h"
#include "api/json_reader.h"
#include "api/sse.h"
#include "api/text_generation.h"
#include "base/offload.h"
#include "base/uuid.h"

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

asio::awaitable<Result<AiAnswer>> run_text_generation(const ApiContext& context,
                                                      catalog::Resolved model, GenerateCall call) {
  auto started = co_await context.inference.generate(model, std::move(call.task));
  SEL_CO_TRY(stream, std::move(started));
  AiAnswer answer;
  answer.model = std::move(model);
  if (call.stream) {
    answer.stream = std::move(stream);
    co_return std::move(answer);
  }
  auto collected = co_await collect(*stream);
  SEL_CO_TRY(completion, std::move(collected));
  answer.result_json = generate_result(completion.text, completion.usage);
  co_return std::move(answer);
}

asio::awaitable<Result<AiAnswer>> run_embedding(const ApiContext& context, catalog::Resolved model,
                                                inference::EmbedTask task) {
  const wire::Pooling pooling = task.pooling;
  auto embedded = co_await context.inference.embed(model, std::move(task));
  SEL_CO_TRY(embeddings, std::move(embedded));
  AiAnswer answer;
  answer.model = std::move(model);
  answer.result_json = co_await write_embeddings(context, embeddings, pooling);
  co_return std::move(answer);
}

Result<const catalog::ModelEntry*> find_model(const ApiContext& context, const std::string& model) {
  auto found = context.catalog.find(model);
  if (!found.ok() && found.error().code == Code::model_not_found) {
    return Error{Code::model_not_found,
                 "No such model " + model.substr(0, kModelIdShownBytes) + " or task"};
  }
  return found;
}

// Clients search for these words when they decide to try again.
Error hosted_wording(Error error) {
  if (error.code == Code::queue_full) {
    error.message = "Capacity temporarily exceeded, please try again.";
  }
  return error;
}

std::string answered_by(const catalog::Resolved& model) {
  return model.stand_in ? model.answered_by + "; stand-in" : model.answered_by;
}

}  // namespace

asio::awaitable<Result<AiAnswer>> run_model(const ApiContext& context, std::string model,
                                            std::string_view input) {
  SEL_CO_TRY(entry, find_model(context, model));
  auto parsed = co_await parse_inputs(context, input);
  SEL_CO_TRY(inputs, std::move(parsed));
  if (entry->task == catalog::Task::text_generation) {
    SEL_CO_TRY(call, parse_generate(inputs));
    SEL_CO_TRY(resolved, context.catalog.resolve(model));
    auto answer = co_await run_text_generation(context, std::move(resolved), std::move(call));
    co_return std::move(answer);
  }
  if (entry->task == catalog::Task::text_embeddings) {
    SEL_CO_TRY(task, parse_embed(inputs));
    SEL_CO_TRY(resolved, context.catalog.resolve(model));
    auto answer = co_await run_embedding(context, std::move(resolved), std::move(task));
    co_return std::move(answer);
  }
  co_return Error{Code::model_unsupported,
                  "The task of model " + model + " is not served by this server"};
}

asio::awaitable<http::Response> rest_ai_run(const ApiContext& context, std::string model,
                                            const http::Request& request) {
  const std::string request_id = random_uuid();
  auto ran = co_await run_model(context, std::move(model), request.body);
  if (!ran.ok()) co_return workers_ai_error(hosted_wording(ran.error()), request_id);
  AiAnswer& answer = ran.value();
  const std::string weights = answered_by(answer.model);
  http::Response response;
  if (answer.stream) {
    auto error_json = [request_id](const Error& error) {
      return workers_ai_error_json(error, request_id);
    };
    auto events =
        std::make_unique<CompletionEvents>(std::move(answer.stream), std::move(error_json));
    auto streamed = co_await sse_response(std::move(events));
    if (!streamed.ok()) co_return workers_ai_error(hosted_wording(streamed.error()), request_id);
    response = std::move(streamed).value();
  } else {
    response = envelope(answer.result_json);
  }
  response.headers.set("selvedge-model", weights);
  response.headers.set("cf-ai-req-id", request_id);
  co_return response;
}

}  // namespace selvedge::api
