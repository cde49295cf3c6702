// Drawing: fields, prices, files.
#include "api/drawing.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <span>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/drawing_form.h"
#include "api/input_check.h"
#include "api/json_writer.h"
#include "api/picture_file.h"
#include "api/picture_store.h"
#include "api/usage.h"
#include "api/work_events.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/offload.h"
#include "inference/price.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

constexpr double kGuidanceMax = 100;

DrawingForm form_of(std::string_view id) {
  if (id.starts_with("@cf/black-forest-labs/flux-") || id == "@cf/leonardo/lucid-origin") {
    return DrawingForm::base64_jpeg;
  }
  return id == "@cf/leonardo/phoenix-1.0" ? DrawingForm::jpeg : DrawingForm::png;
}

// Null counts as absent, and the schema has seen to the types.
const json* find(const json& input, const char* name) {
  const auto found = input.find(name);
  return found == input.end() || found->is_null() ? nullptr : &*found;
}

Result<std::string> text_of(const json& input, const char* name) {
  const json* value = find(input, name);
  if (value == nullptr) return std::string();
  const std::string path = std::string("/") + name;
  if (!value->is_string()) return type_mismatch(path, "string", *value);
  const auto& text = value->get_ref<const std::string&>();
  SEL_CHECK_OK(check_length(path, text, 0, limits::picture_prompt_chars_max));
  return text;
}

Status read_number(const json& input, const char* name, double least, double most, double& number) {
  const json* value = find(input, name);
  if (value == nullptr) return ok_status();
  const std::string path = std::string("/") + name;
  if (!value->is_number()) return type_mismatch(path, "number", *value);
  number = value->get<double>();
  if (!(number >= least)) return out_of_range(path, ">=", least);
  if (!(number <= most)) return out_of_range(path, "<=", most);
  return ok_status();
}

Status read_whole(const json& input, const char* name, std::int32_t least, std::int32_t most,
                  std::int32_t& number) {
  double value = number;
  SEL_CHECK_OK(read_number(input, name, least, most, value));
  number = static_cast<std::int32_t>(value);
  return ok_status();
}

// A list of numbers from 0 to 255. Errors: invalid_input.
Result<std::string> bytes_of(const json& list, const std::string& path) {
  if (!list.is_array()) return type_mismatch(path, "array", list);
  std::string bytes;
  bytes.reserve(list.size());
  for (const json& item : list) {
    const double value = item.is_number() ? item.get<double>() : -1;
    if (!(value >= 0 && value <= 255) || value != std::floor(value)) {
      return Error{Code::invalid_input, "'" + path + "/" + std::to_string(bytes.size()) +
                                            "' must be a whole number from 0 to 255"};
    }
    bytes += static_cast<char>(static_cast<unsigned char>(value));
  }
  return bytes;
}

Status read_pictures(const json& input, wire::Draw& draw) {
  if (const json* list = find(input, "image")) {
    SEL_TRY(bytes, bytes_of(*list, "/image"));
    draw.image = std::move(bytes);
  } else if (const json* text = find(input, "image_b64")) {
    if (!text->is_string()) return type_mismatch("/image_b64", "string", *text);
    auto bytes = base64_bytes(text->get_ref<const std::string&>());
    if (!bytes) return Error{Code::invalid_input, "'/image_b64' must be base64"};
    draw.image = *std::move(bytes);
  }
  if (const json* list = find(input, "mask")) {
    SEL_TRY(bytes, bytes_of(*list, "/mask"));
    draw.mask = std::move(bytes);
  }
  if (!draw.mask.empty() && draw.image.empty()) {
    return Error{Code::invalid_input, "'/mask' needs an '/image' that it covers"};
  }
  return ok_status();
}

Status read_size(const json& input, wire::Draw& draw) {
  SEL_CHECK_OK(read_whole(input, "width", 0, limits::picture_side_max, draw.width));
  return read_whole(input, "height", 0, limits::picture_side_max, draw.height);
}

void read_seed(const json& input, wire::Draw& draw) {
  const json* seed = find(input, "seed");
  if (seed == nullptr || !seed->is_number()) return;
  // Below zero it means "any" to many clients.
  if (seed->is_number_unsigned()) {
    draw.seed = seed->get<std::uint64_t>() & ~(std::uint64_t{1} << 63);
    draw.has_seed = true;
  } else if (const double value = seed->get<double>(); value >= 0 && value < 9.0e18) {
    draw.seed = static_cast<std::uint64_t>(value);
    draw.has_seed = true;
  }
}

std::string day_text(std::int64_t us) {
  const std::time_t seconds = us / 1'000'000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[16];
  std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
  return text;
}

const char* type_of(DrawingForm form) {
  return form == DrawingForm::png ? "image/png" : "image/jpeg";
}

std::string stored_name(const DrawnWay& way) {
  if (!way.options.store_name.empty()) return way.options.store_name;
  return day_text(now_us()) + "/" + way.request_id +
         (way.form == DrawingForm::png ? ".png" : ".jpg");
}

// Blocks. `store`: null = the picture is kept nowhere.
Result<DrawnFile> make_file(const wire::Picture& picture, const DrawnWay& way,
                            const PictureStore* store) {
  DrawnFile file;
  SEL_TRY(bytes, way.form == DrawingForm::png ? png_file(picture) : jpeg_file(picture));
  file.bytes = std::move(bytes);
  file.type = type_of(way.form);
  file.width = picture.width;
  file.height = picture.height;
  file.seed = picture.seed;
  file.neurons = inference::neurons_of_picture(*way.entry, picture, way.steps);
  if (store == nullptr) return file;
  auto stored = store->put(stored_name(way), file.bytes, file.type);
  if (stored.ok()) {
    file.stored = *std::move(stored);
  } else {
    log::error("a picture was not stored: {}", stored.error().message);
    file.store_fault = stored.error().message;
  }
  return file;
}

asio::awaitable<Result<DrawnFile>> file_of(const ApiContext& context, wire::Picture picture,
                                           DrawnWay way) {
  std::shared_ptr<const PictureStore> store = context.pictures;
  if (!way.options.store.value_or(true)) store.reset();
  auto work = [picture = std::move(picture), way = std::move(way), store = std::move(store)] {
    return make_file(picture, way, store.get());
  };
  auto file = co_await offload(context.pool, std::move(work));
  co_return std::move(file);
}

asio::awaitable<Result<std::string>> last_events(const ApiContext& context, wire::Picture picture,
                                                 DrawnWay way) {
  auto made = co_await file_of(context, std::move(picture), std::move(way));
  SEL_CO_TRY(file, std::move(made));
  std::string text = "{\"image\":\"";
  append_base64(text, std::as_bytes(std::span(file.bytes)));
  text += "\",\"content_type\":\"" + file.type + "\",\"width\":" + std::to_string(file.width) +
          ",\"height\":" + std::to_string(file.height) + ",\"seed\":" + std::to_string(file.seed) +
          ",\"neurons\":" + neurons_text(file.neurons) + ",\"stored\":";
  if (file.stored.empty()) {
    text += "null";
  } else {
    append_string(text, file.stored);
  }
  text += "}";
  std::string events = sse_event(text);
  events += kSseDone;
  co_return std::move(events);
}

constexpr std::string_view kKlein = "@cf/black-forest-labs/flux-2-klein-";
constexpr std::int32_t kKleinSteps = 4;

void set_defaults(std::string_view id, DrawCall& call) {
  wire::Draw& draw = call.task.request;
  const bool few = call.form == DrawingForm::base64_jpeg;
  draw.steps = few ? 4 : 20;
  draw.guidance = few ? 3.5 : 7.5;
  if (id == "@cf/black-forest-labs/flux-2-dev") {
    draw.steps = 25;
    draw.guidance = 4;
  }
}

}  // namespace

Result<DrawCall> parse_draw(const json& input, const catalog::ModelEntry& entry) {
  DrawCall call;
  wire::Draw& draw = call.task.request;
  if (const json* form = find(input, "multipart")) return parse_draw_form(*form, entry);
  SEL_TRY(prompt, text_of(input, "prompt"));
  SEL_TRY(negative_prompt, text_of(input, "negative_prompt"));
  draw.prompt = std::move(prompt);
  draw.negative_prompt = std::move(negative_prompt);
  call.form = form_of(entry.id);
  const char* steps = find(input, "steps") != nullptr ? "steps" : "num_steps";
  call.says_steps = find(input, steps) != nullptr;
  call.says_guidance = find(input, "guidance") != nullptr;
  set_defaults(entry.id, call);
  SEL_CHECK_OK(read_whole(input, steps, 1, limits::picture_steps_max, draw.steps));
  if (has_own_steps(entry)) draw.steps = kKleinSteps;
  SEL_CHECK_OK(read_number(input, "guidance", 0, kGuidanceMax, draw.guidance));
  SEL_CHECK_OK(read_number(input, "strength", 0, 1, draw.strength));
  SEL_CHECK_OK(read_size(input, draw));
  SEL_CHECK_OK(read_pictures(input, draw));
  read_seed(input, draw);
  return call;
}

bool has_own_steps(const catalog::ModelEntry& entry) { return entry.id.starts_with(kKlein); }

void use_habits(DrawCall& call, const catalog::DrawingHabits& habits) {
  wire::Draw& draw = call.task.request;
  if (!call.says_steps && habits.steps > 0) draw.steps = habits.steps;
  if (!call.says_guidance && habits.guidance > 0) draw.guidance = habits.guidance;
  draw.sampler = habits.sampler;
  draw.scheduler = habits.scheduler;
}

Status check_store(const ApiContext& context, const RunOptions& options) {
  if (!options.store.value_or(false) || context.pictures != nullptr) return ok_status();
  return Error{Code::invalid_input,
               "'/options/store' needs a server that was started with --store FOLDER or "
               "s3://bucket/prefix"};
}

asio::awaitable<Result<DrawnFile>> finish_drawing(const ApiContext& context,
                                                  inference::DrawStream& stream, DrawnWay way) {
  auto drawn = co_await inference::outcome_of(stream);
  SEL_CO_TRY(picture, std::move(drawn));
  auto file = co_await file_of(context, std::move(picture), std::move(way));
  co_return std::move(file);
}

std::unique_ptr<EventSource> drawing_events(const ApiContext& context,
                                            std::unique_ptr<inference::DrawStream> stream,
                                            DrawnWay way,
                                            std::function<std::string(const Error&)> error_json) {
  auto last = [&context, way = std::move(way)](wire::Picture picture) {
    return last_events(context, std::move(picture), way);
  };
  return std::make_unique<WorkEvents<wire::Picture>>(
      std::move(stream),
      WorkEvents<wire::Picture>::Way{"step", "steps", std::move(last), std::move(error_json)});
}

}  // namespace selvedge::api
