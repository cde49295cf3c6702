// AI run: from a model's name and inputs to its answer.
#include "api/ai_run.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>
#include <variant>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include "api/batches.h"
#include "api/chat_options.h"
#include "api/drawing.h"
#include "api/drawing_form.h"
#include "api/embedding.h"
#include "api/emulation.h"
#include "api/errors.h"
#include "api/inline_work.h"
#include "api/input_check.h"
#include "api/json_reader.h"
#include "api/lora.h"
#include "api/openai_run.h"
#include "api/picture_tasks.h"
#include "api/ranking.h"
#include "api/request_id.h"
#include "api/text_generation.h"
#include "api/transcription.h"
#include "api/turn_routes.h"
#include "api/usage.h"
#include "base/base64.h"
#include "base/limits.h"
#include "catalog/task_names.h"

namespace selvedge::api {
namespace {

// Longer ids exist nowhere; a longer one is not repeated in full.
constexpr std::size_t kModelIdShownBytes = 128;

// `options` may stand among the inputs of a REST call. It is no input of any model.
Status take_options(nlohmann::json& inputs, RunOptions& options) {
  const auto given = inputs.find("options");
  if (given == inputs.end()) return ok_status();
  SEL_CHECK_OK(add_run_options(*given, options));
  inputs.erase(given);
  return ok_status();
}

// What one call is about, once its inputs are known to be good.
struct Checked {
  std::variant<GenerateCall, EmbedCall, NativeOpenAiCall, ResponsesCall, RankCall, TranscribeCall,
               DrawCall, PictureCall, EmulationCall>
      call;
  std::optional<nlohmann::json> batch;  // The list of inputs that are answered later.
  std::size_t batch_bytes = 0;
  std::optional<std::string> poll;  // The batch that is asked for.
};

// {"requests":[…]} with the option queueRequest, or {"request_id":"…"}. True: it was one of them.
Result<bool> take_batch(nlohmann::json& inputs, const RunOptions& options, Checked& checked) {
  const auto requests = inputs.find("requests");
  const auto id = inputs.find("request_id");
  if (options.queue_request && requests != inputs.end()) {
    checked.batch_bytes = requests->dump().size();
    checked.batch = std::move(*requests);
  } else if (inputs.size() == 1 && id != inputs.end() && id->is_string()) {
    checked.poll = id->get<std::string>();
  } else if (options.queue_request) {
    return required_missing("/", "requests");
  } else {
    return false;
  }
  return true;
}

// The hosted service queues for some models only.
Status check_queued(const ApiContext& context, const catalog::ModelEntry& entry) {
  const bool marked = std::ranges::find(entry.traits, "async_queue") != entry.traits.end();
  if (marked || context.rules.every_model_batches) return ok_status();
  return Error{Code::invalid_input, "queueRequest is not supported by model " + entry.id};
}

bool speaks_openai(const catalog::ModelEntry& entry) {
  return entry.task == catalog::Task::text_generation && entry.schema == catalog::Schema::openai;
}

// These alone take three forms of inputs on this path.
bool takes_responses(const catalog::ModelEntry& entry) {
  return entry.id.starts_with("@cf/openai/gpt-oss-");
}

bool is_guard(const catalog::ModelEntry& entry) {
  return entry.id.find("llama-guard") != entry.id.npos;
}

bool is_speech(const catalog::ModelEntry& entry) {
  // Closed speech models have inputs of their own, and are not served.
  return entry.task == catalog::Task::automatic_speech_recognition && !entry.weights.empty();
}

Status check_json_size(std::string_view body) {
  if (body.size() <= limits::json_body_bytes_max) return ok_status();
  return Error{Code::body_too_large,
               "the body is larger than " + std::to_string(limits::json_body_bytes_max) + " bytes"};
}

Result<Checked> check_speech(const ApiContext& context, const catalog::ModelEntry& entry,
                             SpeechInput input, RunOptions& options) {
  SEL_CHECK_OK(take_options(input.inputs, options));
  Checked checked;
  SEL_TRY(batched, take_batch(input.inputs, options, checked));
  if (checked.batch) SEL_CHECK_OK(check_queued(context, entry));
  if (batched) return checked;
  if (!input.is_body) {
    SEL_CHECK_OK(context.inputs->check(entry, input.inputs, context.rules.inputs_lenient));
  }
  SEL_TRY(call, parse_transcribe(std::move(input), entry));
  checked.call = std::move(call);
  return checked;
}

Error not_done(const catalog::ModelEntry& entry) {
  std::string message =
      "The task of model " + entry.id + " (" + entry.task_name + ") is not served by this server";
  if (entry.task == catalog::Task::object_detection) {
    message += ": no model that it runs tells where in a picture a thing is";
  }
  return Error{Code::model_unsupported, std::move(message)};
}

// A form that came as the body, or as a stream.
Result<Checked> check_form(const ApiContext& context, const catalog::ModelEntry& entry,
                           std::string_view content_type, std::string_view body,
                           const RunOptions& options) {
  SEL_CHECK_OK(check_json_size(body));
  SEL_TRY(draw, parse_draw_form(content_type, body, entry));
  SEL_CHECK_OK(check_store(context, options));
  Checked checked;
  checked.call = std::move(draw);
  return checked;
}

Result<Checked> check_inputs(const ApiContext& context, const catalog::ModelEntry& entry,
                             nlohmann::json& inputs, RunOptions& options) {
  if (is_speech(entry)) {
    SEL_TRY(speech, speech_input_of(std::move(inputs)));
    return check_speech(context, entry, std::move(speech), options);
  }
  SEL_CHECK_OK(take_options(inputs, options));
  Checked checked;
  SEL_TRY(batched, take_batch(inputs, options, checked));
  if (checked.batch) SEL_CHECK_OK(check_queued(context, entry));
  if (batched) return checked;
  SEL_CHECK_OK(context.inputs->check(entry, inputs, context.rules.inputs_lenient));
  if (takes_responses(entry) && inputs.contains("input")) {
    inputs["model"] = entry.id;
    auto parsed = parse_responses(inputs, hosted_openai_defaults(context.rules));
    if (auto* fault = std::get_if<OpenAiFault>(&parsed)) return std::move(fault->error);
    checked.call = std::move(std::get<ResponsesCall>(parsed));
  } else if (speaks_openai(entry)) {
    SEL_TRY(native, parse_native_openai(inputs, entry.id, context.rules));
    checked.call = std::move(native);
  } else if (entry.task == catalog::Task::text_generation) {
    SEL_TRY(generate, parse_generate(inputs, context.rules));
    if (is_guard(entry) && !generate.task.chat.json_schema.empty()) {
      // The model has a form of its own, which no grammar is to bend.
      generate.task.chat.json_schema.clear();
      generate.kind = ResponseKind::verdict;
    }
    checked.call = std::move(generate);
  } else if (entry.task == catalog::Task::text_embeddings) {
    SEL_TRY(embed, parse_embed(inputs, entry.id));
    checked.call = std::move(embed);
  } else if (entry.task == catalog::Task::text_classification) {
    SEL_TRY(rank, parse_rank(inputs, entry));
    checked.call = std::move(rank);
  } else if (entry.task == catalog::Task::text_to_image) {
    SEL_TRY(draw, parse_draw(inputs, entry));
    SEL_CHECK_OK(check_store(context, options));
    checked.call = std::move(draw);
  } else if (catalog::task_is_about_pictures(entry.task)) {
    SEL_TRY(picture, parse_picture_call(inputs, {}, entry));
    checked.call = std::move(picture);
  } else if (is_emulated(entry)) {
    SEL_TRY(emulation, parse_emulation(inputs, entry));
    checked.call = std::move(emulation);
  } else {
    return not_done(entry);
  }
  return checked;
}

// A body that does not begin as a JSON object is the picture itself.
bool is_picture_body(const catalog::ModelEntry& entry, std::string_view body) {
  const std::size_t first = body.find_first_not_of(" \t\r\n");
  const bool seen =
      catalog::task_is_about_pictures(entry.task) || entry.task == catalog::Task::object_detection;
  return seen && first != body.npos && body[first] != '{';
}

Result<Checked> check_picture_file(const catalog::ModelEntry& entry, std::string file,
                                   nlohmann::json inputs, RunOptions& options) {
  if (!catalog::task_is_about_pictures(entry.task)) return not_done(entry);
  SEL_CHECK_OK(take_options(inputs, options));
  Checked checked;
  SEL_TRY(picture, parse_picture_call(inputs, std::move(file), entry));
  checked.call = std::move(picture);
  return checked;
}

Result<Checked> read_inputs(const ApiContext& context, const catalog::ModelEntry& entry,
                            std::string_view input, AiCall& call) {
  RunOptions& options = call.options;
  if (takes_form(entry) && is_form(call.file_type)) {
    return check_form(context, entry, call.file_type, call.file, options);
  }
  if (takes_form(entry) && is_form(call.body_type)) {
    return check_form(context, entry, call.body_type, input, options);
  }
  if (!call.file_type.empty() && catalog::task_is_about_pictures(entry.task)) {
    SEL_TRY(inputs, parse_object(input));
    return check_picture_file(entry, std::move(call.file), std::move(inputs), options);
  }
  if (!call.file_type.empty()) {
    if (!is_speech(entry)) {
      return Error{Code::invalid_input,
                   "a stream of type '" + call.file_type + "' is no input of model " + entry.id};
    }
    SEL_TRY(inputs, parse_object(input));
    return check_speech(context, entry, {std::move(inputs), std::move(call.file), true}, options);
  }
  if (is_speech(entry)) {
    SEL_TRY(speech, read_speech_input(input));
    return check_speech(context, entry, std::move(speech), options);
  }
  SEL_CHECK_OK(check_json_size(input));
  if (is_picture_body(entry, input)) {
    return check_picture_file(entry, std::string(input), nlohmann::json::object(), options);
  }
  SEL_TRY(inputs, parse_ordered_object(input));
  return check_inputs(context, entry, inputs, options);
}

// run_one_call does what the inputs ask for; one for each kind of call.
asio::awaitable<Result<AiAnswer>> run_one_call(const ApiContext& context, AiCall call,
                                               catalog::Resolved model, GenerateCall generate) {
  generate.task.refuse_when_busy = call.options.reject_if_busy;
  generate.task.payer = std::move(call.payer);
  generate.task.window_tokens = window_of(context.rules, *model.entry);
  if (!generate.lora.empty()) {
    auto found = co_await find_adapter(context, model, generate.task.payer.account,
                                       std::move(generate.lora));
    SEL_CO_TRY(adapter, std::move(found));
    generate.task.adapter = std::move(adapter);
  }
  auto started = co_await context.inference.generate(model, std::move(generate.task));
  SEL_CO_TRY(stream, std::move(started));
  const catalog::ModelEntry& entry = *model.entry;
  AiAnswer answer;
  answer.model = std::move(model);
  if (generate.stream) {
    answer.events = std::make_unique<CompletionEvents>(
        std::move(stream), entry, std::move(call.error_json), number_of(call.request_id));
    co_return std::move(answer);
  }
  auto collected = co_await collect(*stream);
  SEL_CO_TRY(completion, std::move(collected));
  const double neurons = neurons_of(entry, completion.usage);
  answer.neurons = neurons;
  SEL_CO_TRY(result, generate_result(completion, generate.kind, neurons));
  answer.result_json = std::move(result);
  co_return std::move(answer);
}

asio::awaitable<Result<AiAnswer>> run_one_call(const ApiContext& context, AiCall call,
                                               catalog::Resolved model, NativeOpenAiCall native) {
  for (auto& task : native.call.tasks) task.refuse_when_busy = call.options.reject_if_busy;
  OpenAiWay way{std::move(native.form), std::move(call.error_json), std::move(call.request_id),
                std::move(call.payer)};
  auto ran = co_await run_openai(context, model, std::move(native.call), std::move(way));
  SEL_CO_TRY(made, std::move(ran));
  AiAnswer answer;
  answer.model = std::move(model);
  answer.events = std::move(made.events);
  if (!answer.events) answer.neurons = made.neurons;
  answer.result_json = std::move(made.json);
  co_return std::move(answer);
}

asio::awaitable<Result<AiAnswer>> run_one_call(const ApiContext& context, AiCall call,
                                               catalog::Resolved model, EmbedCall embed) {
  const wire::Pooling pooling = embed.task.pooling;
  embed.task.refuse_when_busy = call.options.reject_if_busy;
  embed.task.payer = std::move(call.payer);
  auto embedded = co_await context.inference.embed(model, std::move(embed.task));
  SEL_CO_TRY(embeddings, std::move(embedded));
  AiAnswer answer;
  answer.neurons = neurons_of(*model.entry, embeddings.usage);
  answer.model = std::move(model);
  auto write = [&embeddings, form = embed.form, pooling] {
    return embed_result(embeddings, form, pooling);
  };
  answer.result_json = co_await inline_or_offload(context.pool, embeddings.values.size(),
                                                  kInlineValues, std::move(write));
  co_return std::move(answer);
}

asio::awaitable<Result<AiAnswer>> run_one_call(const ApiContext& context, AiCall call,
                                               catalog::Resolved model, RankCall rank) {
  rank.task.refuse_when_busy = call.options.reject_if_busy;
  rank.task.payer = std::move(call.payer);
  AiAnswer answer;
  answer.model = std::move(model);
  auto ranked = co_await rank_or_emulate(context, answer.model, std::move(rank.task));
  SEL_CO_TRY(ranks, std::move(ranked));
  answer.neurons = neurons_of(*answer.model.entry, ranks.usage);
  if (!catalog::is_reranker(*answer.model.entry)) {
    answer.result_json = labels_result(ranks);
    co_return std::move(answer);
  }
  SEL_CO_TRY(texts, best_texts(ranks, rank.top_k));
  answer.result_json = rank_result(texts);
  co_return std::move(answer);
}

asio::awaitable<Result<AiAnswer>> run_one_call(const ApiContext& context, AiCall call,
                                               catalog::Resolved model, ResponsesCall responses) {
  auto ran =
      co_await run_responses(context, std::move(call), std::move(model), std::move(responses));
  co_return std::move(ran);
}

asio::awaitable<Result<AiAnswer>> run_one_call(const ApiContext& context, AiCall call,
                                               catalog::Resolved model, TranscribeCall transcribe) {
  transcribe.task.refuse_when_busy = call.options.reject_if_busy;
  transcribe.task.payer = std::move(call.payer);
  auto started = co_await context.inference.transcribe(model, std::move(transcribe.task));
  SEL_CO_TRY(stream, std::move(started));
  AiAnswer answer;
  answer.model = std::move(model);
  const catalog::ModelEntry& entry = *answer.model.entry;
  if (call.options.progress) {
    answer.events = transcription_events(std::move(stream), entry, transcribe.detailed,
                                         std::move(call.error_json));
    co_return std::move(answer);
  }
  auto transcribed = co_await inference::outcome_of(*stream);
  SEL_CO_TRY(transcript, std::move(transcribed));
  answer.neurons = inference::neurons_of_audio(entry, transcript.duration_s);
  answer.result_json = transcribe_result(transcript, transcribe.detailed);
  co_return std::move(answer);
}

asio::awaitable<Result<AiAnswer>> run_one_call(const ApiContext& context, AiCall call,
                                               catalog::Resolved model, PictureCall picture) {
  picture.task.refuse_when_busy = call.options.reject_if_busy;
  picture.task.payer = std::move(call.payer);
  picture.task.window_tokens = window_of(context.rules, *model.entry);
  auto ran = co_await run_picture_call(context, model, std::move(picture));
  SEL_CO_TRY(told, std::move(ran));
  AiAnswer answer;
  answer.neurons = neurons_of(*model.entry, told.usage);
  answer.model = std::move(model);
  answer.result_json = std::move(told.json);
  co_return std::move(answer);
}

asio::awaitable<Result<AiAnswer>> run_one_call(const ApiContext& context, AiCall call,
                                               catalog::Resolved model, EmulationCall emulation) {
  emulation.refuse_when_busy = call.options.reject_if_busy;
  emulation.payer = std::move(call.payer);
  AiAnswer answer;
  answer.model = std::move(model);
  auto ran = co_await run_emulation(context, answer.model, std::move(emulation));
  SEL_CO_TRY(emulated, std::move(ran));
  answer.neurons = neurons_of(*answer.model.entry, emulated.usage);
  answer.result_json = std::move(emulated.json);
  co_return std::move(answer);
}

// Headers are plain ASCII.
std::string header_text(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return c < 0x20 || c >= 0x7f; }, '?');
  return text;
}

void set_drawn(AiAnswer& answer, DrawnFile file, DrawingForm form) {
  answer.headers.emplace_back("selvedge-seed", std::to_string(file.seed));
  if (!file.stored.empty())
    answer.headers.emplace_back("selvedge-stored", header_text(file.stored));
  if (!file.store_fault.empty()) {
    answer.headers.emplace_back("selvedge-store-error", header_text(file.store_fault));
  }
  if (form == DrawingForm::base64_jpeg) {
    answer.result_json = "{\"image\":\"";
    append_base64(answer.result_json, std::as_bytes(std::span(file.bytes)));
    answer.result_json += "\"}";
    return;
  }
  answer.bytes = std::move(file.bytes);
  answer.bytes_type = std::move(file.type);
}

asio::awaitable<Result<AiAnswer>> run_one_call(const ApiContext& context, AiCall call,
                                               catalog::Resolved model, DrawCall draw) {
  draw.task.refuse_when_busy = call.options.reject_if_busy;
  draw.task.payer = std::move(call.payer);
  use_habits(draw, model.drawing);
  const std::int32_t steps = draw.task.request.steps;
  const catalog::ModelEntry& entry = *model.entry;
  const bool progress = call.options.progress;
  DrawnWay way{draw.form, std::move(call.options), call.request_id, &entry, steps};
  auto started = co_await context.inference.draw(model, std::move(draw.task));
  SEL_CO_TRY(stream, std::move(started));
  AiAnswer answer;
  answer.model = std::move(model);
  if (progress) {
    answer.events =
        drawing_events(context, std::move(stream), std::move(way), std::move(call.error_json));
    co_return std::move(answer);
  }
  auto finished = co_await finish_drawing(context, *stream, std::move(way));
  SEL_CO_TRY(file, std::move(finished));
  answer.neurons = file.neurons;
  set_drawn(answer, std::move(file), draw.form);
  co_return std::move(answer);
}

// Clients search for these words when they decide to try again.
Error hosted_wording(Error error) {
  if (error.code == Code::queue_full) {
    error.message = "Capacity temporarily exceeded, please try again.";
  }
  return error;
}

// What a batch waits out: others have the model, or its runner or upstream is away.
bool may_pass(Code code) { return code == Code::queue_full || code == Code::unavailable; }

// The batch's next input, tried again while what fails may pass, and the batch has patience left.
asio::awaitable<Result<AiAnswer>> run_patiently(const ApiContext& context, Batch& batch) {
  const nlohmann::json inputs = std::move(batch.inputs[batch.responses.size()]);
  asio::steady_timer pause(co_await asio::this_coro::executor);
  for (;;) {
    AiCall call;
    call.model = batch.model;
    call.request_id = context.identities->uuid({batch.id, std::to_string(batch.responses.size())});
    call.payer = batch.payer;
    auto ran = co_await run_inputs(context, std::move(call), inputs);
    const bool again = !ran.ok() && may_pass(ran.error().code) && !batch.forgotten &&
                       batch.pauses < Batches::kPausesMax;
    if (!again) co_return std::move(ran);
    ++batch.pauses;
    pause.expires_after(Batches::kPause);
    co_await pause.async_wait(asio::use_awaitable);
  }
}

// One input of a batch, and its answer into the batch. It is judged by the rules of the request
// that brought it, whatever rules the worker's own request had.
asio::awaitable<void> run_one(Batch& batch) {
  const ApiContext& context = *batch.asked_in;
  auto ran = co_await run_patiently(context, batch);
  if (ran.ok() && !ran->bytes_type.empty()) {
    // A batch holds JSON: there a file is what FLUX answers with.
    ran->result_json = "{\"image\":\"";
    append_base64(ran->result_json, std::as_bytes(std::span(ran->bytes)));
    ran->result_json += "\"}";
  }
  if (ran.ok()) {
    context.batches->add_result(batch, ran->result_json, ran->neurons.value_or(0));
  } else {
    context.batches->add_failure(batch, error_row(ran.error().code).workers_ai_number,
                                 ran.error().message);
  }
}

// Lives until no batch waits. The door, and with it the context, outlives the I/O thread's work.
asio::awaitable<void> work_on_batches(const ApiContext& context) {
  while (const auto batch = context.batches->next()) {
    while (!batch->done() && !batch->forgotten) co_await run_one(*batch);
  }
}

asio::awaitable<Result<AiAnswer>> run_batch(const ApiContext& context, AiCall call,
                                            catalog::Resolved model, Checked checked) {
  if (!context.batches) co_return Error{Code::not_served, "batches are not served here"};
  std::string id = std::move(checked.poll).value_or("");
  if (checked.batch) {
    SEL_CO_TRY(batch,
               context.batches->submit(call.model, std::move(*checked.batch), checked.batch_bytes,
                                       context.identities->uuid({"batch", call.request_id})));
    batch->asked_in = &context;
    batch->payer = std::move(call.payer);
    id = batch->id;
  }
  SEL_CO_TRY(told, context.batches->poll(id));
  if (checked.batch && context.batches->start_worker()) {
    auto executor = co_await asio::this_coro::executor;
    asio::co_spawn(executor, work_on_batches(context), asio::detached);
  }
  AiAnswer answer;
  answer.model = std::move(model);
  answer.result_json = std::move(told);
  co_return std::move(answer);
}

asio::awaitable<Result<AiAnswer>> run_checked(const ApiContext& context, AiCall call,
                                              Checked checked) {
  SEL_CO_TRY(resolved, context.catalog.resolve(call.model));
  if (checked.batch || checked.poll) {
    auto answer =
        co_await run_batch(context, std::move(call), std::move(resolved), std::move(checked));
    co_return std::move(answer);
  }
  auto run = [&](auto& one) {
    return run_one_call(context, std::move(call), std::move(resolved), std::move(one));
  };
  auto answer = co_await std::visit(run, checked.call);
  co_return std::move(answer);
}

Result<AiAnswer> worded(Result<AiAnswer> ran) {
  if (ran.ok()) return ran;
  return hosted_wording(std::move(ran).error());
}

}  // namespace

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

asio::awaitable<Result<AiAnswer>> run_inputs(const ApiContext& context, AiCall call,
                                             nlohmann::json inputs) {
  SEL_CO_TRY(entry, find_model(context, call.model));
  SEL_CO_TRY(checked, check_inputs(context, *entry, inputs, call.options));
  auto ran = co_await run_checked(context, std::move(call), std::move(checked));
  co_return worded(std::move(ran));
}

asio::awaitable<Result<AiAnswer>> run_model(const ApiContext& context, AiCall call,
                                            std::string_view input) {
  SEL_CO_TRY(entry, find_model(context, call.model));
  auto work = [&context, entry, input, &call] { return read_inputs(context, *entry, input, call); };
  auto read =
      co_await inline_or_offload(context.pool, input.size(), kInlineBodyBytes, std::move(work));
  SEL_CO_TRY(checked, std::move(read));
  auto ran = co_await run_checked(context, std::move(call), std::move(checked));
  co_return worded(std::move(ran));
}

}  // namespace selvedge::api
