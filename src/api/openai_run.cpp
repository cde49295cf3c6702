// OpenAI run: the choices of one call, started together.
#include "api/openai_run.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "api/input_check.h"
#include "api/lora.h"
#include "api/openai_chat.h"
#include "api/openai_completion.h"
#include "api/picture_input.h"
#include "api/text_generation.h"

namespace selvedge::api {
namespace {

constexpr std::size_t kFingerprintDigits = 10;

// Equal weights, equal fingerprint.
std::string fingerprint_of(const catalog::Resolved& model) {
  if (model.sha256.empty()) return {};
  return "fp_" + model.sha256.substr(0, kFingerprintDigits);
}

// The legacy form of a picture, beside messages.
Status add_image(const nlohmann::json& image, OpenAiCall& call) {
  if (image.empty() || image == "") return ok_status();
  auto picture = picture_of_value(image);
  if (!picture.ok()) return Error{Code::invalid_input, "'/image': " + picture.error().message};
  for (inference::GenerateTask& task : call.tasks) {
    if (!show_picture(task.messages, *picture)) {
      return Error{Code::invalid_input, "'/image' needs a turn of the user to stand in"};
    }
    SEL_CHECK_OK(check_pictures(task.messages));
  }
  return ok_status();
}

}  // namespace

Result<NativeOpenAiCall> parse_native_openai(const nlohmann::json& inputs, std::string model,
                                             const Rules& rules) {
  const auto has = [&](const char* name) {
    const auto found = inputs.find(name);
    return found != inputs.end() && !found->is_null();
  };
  const bool chat = has("messages");
  if (!chat && !has("prompt")) return required_missing("/", "messages");
  const OpenAiDefaults defaults = hosted_openai_defaults(rules);
  auto parsed =
      chat ? parse_chat(inputs, defaults, false) : parse_completion(inputs, defaults, false);
  if (auto* fault = std::get_if<OpenAiFault>(&parsed)) return std::move(fault->error);
  NativeOpenAiCall native;
  native.call = std::move(std::get<OpenAiCall>(parsed));
  if (has("image")) SEL_CHECK_OK(add_image(inputs["image"], native.call));
  native.call.model = std::move(model);
  native.call.include_usage = true;
  native.call.null_usage = false;  // Its clients, langchain-cloudflare for one, take no null.
  if (chat) {
    native.form = std::make_unique<ChatForm>();
  } else {
    native.form = std::make_unique<CompletionForm>(std::move(native.call.echoes));
  }
  return native;
}

asio::awaitable<Result<OpenAiAnswer>> run_openai(const ApiContext& context,
                                                 const catalog::Resolved& model, OpenAiCall call,
                                                 OpenAiWay way) {
  OpenAiHead head;
  head.uuid = std::move(way.request_id);
  head.created_s = context.identities->now_s();
  head.model = std::move(call.model);
  head.fingerprint = fingerprint_of(model);
  head.entry = model.entry;
  head.choices_per_prompt = call.choices_per_prompt;
  head.logprobs = !call.tasks.empty() && call.tasks.front().sampling.logprobs;
  head.include_usage = call.include_usage;
  head.null_usage = call.null_usage;
  inference::Adapter adapter;
  if (!call.lora.empty()) {
    auto found = co_await find_adapter(context, model, way.payer.account, call.lora);
    SEL_CO_TRY(ready, std::move(found));
    adapter = std::move(ready);
  }
  std::vector<std::unique_ptr<inference::TokenStream>> streams;
  for (inference::GenerateTask& task : call.tasks) {
    task.window_tokens = window_of(context.rules, *model.entry);
    task.adapter = adapter;
    task.payer = way.payer;
    auto started = co_await context.inference.generate(model, std::move(task));
    SEL_CO_TRY(stream, std::move(started));
    streams.push_back(std::move(stream));
  }
  OpenAiAnswer answer;
  if (call.stream) {
    answer.events = std::make_unique<OpenAiEvents>(std::move(streams), std::move(head),
                                                   std::move(way.form), std::move(way.error_json));
    co_return std::move(answer);
  }
  auto read = co_await whole_answer(std::move(streams), head, *way.form);
  SEL_CO_TRY(whole, std::move(read));
  answer.json = std::move(whole.json);
  answer.neurons = whole.neurons;
  co_return std::move(answer);
}

}  // namespace selvedge::api
