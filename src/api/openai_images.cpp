// OpenAI images: fields, drawings one after the other, and their list.
#include "api/openai_images.h"

#include <charconv>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "api/answer_headers.h"
#include "api/errors.h"
#include "api/json_reader.h"
#include "api/openai_models.h"
#include "api/openai_routes.h"
#include "api/request_id.h"
#include "api/run_options.h"
#include "base/base64.h"
#include "base/identities.h"
#include "base/limits.h"
#include "base/offload.h"
#include "inference/price.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

constexpr const char* kModelDefault = "@cf/stabilityai/stable-diffusion-xl-base-1.0";
constexpr std::int64_t kCountMax = 4;
constexpr std::int32_t kSideMin = 256;

bool read_side(std::string_view text, std::int32_t& side) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), side);
  return read.ec == std::errc() && read.ptr == text.data() + text.size() && side >= kSideMin &&
         side <= limits::picture_side_max;
}

void read_size(OpenAiFields& fields, wire::Draw& draw) {
  const auto size = fields.text("size");
  if (!size || *size == "auto") return;
  const std::size_t mark = size->find('x');
  const bool good = mark != std::string::npos &&
                    read_side(std::string_view(*size).substr(0, mark), draw.width) &&
                    read_side(std::string_view(*size).substr(mark + 1), draw.height);
  if (good) return;
  fields.fail("size",
              "Invalid size: sides are 256 to 2048 pixels, written as '1024x1024', or 'auto'.",
              "invalid_value");
}

void read_formats(OpenAiFields& fields, DrawingForm& form) {
  const auto response = fields.text("response_format");
  if (response && *response != "b64_json") {
    fields.fail("response_format",
                "Pictures are answered as 'b64_json' here: this server keeps none under a URL.",
                "unsupported_value");
  }
  const auto output = fields.text("output_format");
  if (output && *output == "jpeg") {
    form = DrawingForm::jpeg;
  } else if (output && *output != "png") {
    fields.fail("output_format", "Invalid value: supported values are 'png' and 'jpeg'.",
                "invalid_value");
  }
  if (fields.boolean("stream").value_or(false)) fields.fail_unsupported("stream");
}

void read_prompt(OpenAiFields& fields, wire::Draw& draw) {
  auto prompt = fields.text("prompt");
  if (!prompt) return fields.fail_missing("prompt");
  auto negative = fields.text("negative_prompt");
  draw.prompt = std::move(*prompt);
  draw.negative_prompt = negative.value_or("");
  const auto too_long = [](const std::string& text) {
    return text.size() > 4 * limits::picture_prompt_chars_max;
  };
  if (draw.prompt.empty()) {
    fields.fail("prompt", "Invalid prompt: it must not be empty.", "invalid_value");
  } else if (too_long(draw.prompt) || too_long(draw.negative_prompt)) {
    fields.fail("prompt", "Invalid prompt: it is too long.", "string_above_max_length");
  }
}

Error image_error(Error error) { return openai_wording(std::move(error)); }

http::Response refused(const Error& error) {
  const bool about_model = error.code == Code::model_not_found ||
                           error.code == Code::model_not_installed ||
                           error.code == Code::model_unsupported;
  return openai_error(image_error(error), about_model ? "model" : "");
}

struct Drawn {
  std::vector<DrawnFile> files;
  double neurons = 0;
};

asio::awaitable<Result<Drawn>> draw_all(const ApiContext& context, const catalog::Resolved& model,
                                        const OpenAiImagesCall& call,
                                        const std::string& request_id) {
  Drawn drawn;
  for (std::int32_t at = 0; at < call.count; ++at) {
    inference::DrawTask task = call.task;
    // The first one's seed is drawn by the runner where none was given; the others follow it.
    if (at > 0) {
      task.request.seed = drawn.files.front().seed + static_cast<std::uint64_t>(at);
      task.request.has_seed = true;
    }
    auto started = co_await context.inference.draw(model, std::move(task));
    SEL_CO_TRY(stream, std::move(started));
    DrawnWay way{call.form, RunOptions(), request_id, model.entry, call.task.request.steps};
    if (at > 0) way.request_id += "-" + std::to_string(at + 1);
    auto finished = co_await finish_drawing(context, *stream, std::move(way));
    SEL_CO_TRY(file, std::move(finished));
    drawn.neurons += file.neurons;
    drawn.files.push_back(std::move(file));
  }
  co_return std::move(drawn);
}

std::string list_json(const Drawn& drawn, const OpenAiImagesCall& call, std::int64_t created_s) {
  std::string text = "{\"created\":" + std::to_string(created_s) + ",\"data\":[";
  for (std::size_t at = 0; at < drawn.files.size(); ++at) {
    text += at == 0 ? "{\"b64_json\":\"" : ",{\"b64_json\":\"";
    append_base64(text, std::as_bytes(std::span(drawn.files[at].bytes)));
    text += "\"}";
  }
  const DrawnFile& first = drawn.files.front();
  text += "],\"output_format\":\"";
  text += call.form == DrawingForm::png ? "png" : "jpeg";
  text +=
      "\",\"size\":\"" + std::to_string(first.width) + "x" + std::to_string(first.height) + "\"}";
  return text;
}

}  // namespace

OpenAiParsed<OpenAiImagesCall> parse_openai_images(const json& body) {
  OpenAiFields fields(body);
  OpenAiImagesCall call;
  wire::Draw& draw = call.task.request;
  call.model = fields.text("model").value_or(kModelDefault);
  read_prompt(fields, draw);
  read_size(fields, draw);
  read_formats(fields, call.form);
  call.count = static_cast<std::int32_t>(fields.integer("n", 1, kCountMax).value_or(1));
  const auto steps = fields.integer("steps", 1, limits::picture_steps_max);
  const auto guidance = fields.number("guidance", 0, 100);
  const auto seed = fields.integer("seed", 0, INT64_MAX);
  call.says_steps = steps.has_value();
  call.says_guidance = guidance.has_value();
  draw.steps = static_cast<std::int32_t>(steps.value_or(0));
  draw.guidance = guidance.value_or(0);
  draw.seed = static_cast<std::uint64_t>(seed.value_or(0));
  draw.has_seed = seed.has_value();
  if (fields.fault()) return *fields.fault();
  return call;
}

asio::awaitable<http::Response> openai_images(const ApiContext& context,
                                              const http::Request& request,
                                              inference::Payer payer) {
  auto body = parse_object(request.body);
  if (!body.ok()) co_return openai_error(openai_wording(body.error()));
  auto parsed = parse_openai_images(*body);
  if (const auto* fault = std::get_if<OpenAiFault>(&parsed)) {
    co_return openai_error(fault->error, fault->param, fault->code);
  }
  auto& call = std::get<OpenAiImagesCall>(parsed);
  auto found = resolve_openai_model(context, call.model, catalog::Task::text_to_image);
  if (!found.ok()) co_return refused(found.error());
  const catalog::Resolved model = std::move(found).value();
  // The model's own defaults, then the weights'.
  auto defaults = parse_draw(json({{"prompt", "x"}}), *model.entry);
  if (!defaults.ok()) co_return refused(defaults.error());
  use_habits(*defaults, model.drawing);
  wire::Draw& draw = call.task.request;
  if (!call.says_steps || has_own_steps(*model.entry)) draw.steps = defaults->task.request.steps;
  if (!call.says_guidance) draw.guidance = defaults->task.request.guidance;
  draw.sampler = defaults->task.request.sampler;
  draw.scheduler = defaults->task.request.scheduler;
  call.task.payer = std::move(payer);
  const std::string request_id = request_id_of(context, request);
  auto ran = co_await draw_all(context, model, call, request_id);
  if (!ran.ok()) co_return refused(ran.error());
  const Drawn drawn = std::move(ran).value();
  const std::int64_t created_s = context.identities->now_s();
  auto write = [&] { return list_json(drawn, call, created_s); };
  auto text = co_await offload(context.pool, std::move(write));
  http::Response response = json_response(200, std::move(text));
  response.headers.set("selvedge-seed", std::to_string(drawn.files.front().seed));
  set_answer_headers(response, answered_by(model), request_id, drawn.neurons);
  co_return std::move(response);
}

}  // namespace selvedge::api
