// Thin client of ai/run with progress: a bar while it draws, then a file.
#include "cli/imagine_verb.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "cli/api_client.h"
#include "cli/form_body.h"
#include "cli/output.h"
#include "cli/progress_bar.h"
#include "http/client.h"

namespace selvedge::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct ImagineOptions {
  std::string prompt;
  std::string output = "picture.png";
  std::string model = "@cf/stabilityai/stable-diffusion-xl-base-1.0";
  std::string negative;
  std::string image;
  std::string mask;
  std::optional<long long> seed;
  std::optional<int> steps;
  std::optional<int> width;
  std::optional<int> height;
  std::optional<double> strength;
  std::optional<double> guidance;
};

Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{Code::not_found, "\"" + path + "\" cannot be read"};
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// The names of FLUX differ from those of its elders.
Result<json> input_of(const ImagineOptions& options) {
  const bool flux = options.model.find("flux") != std::string::npos;
  json input = {{"prompt", options.prompt}};
  if (!options.negative.empty()) input["negative_prompt"] = options.negative;
  if (options.seed) input["seed"] = *options.seed;
  if (options.steps) input[flux ? "steps" : "num_steps"] = *options.steps;
  if (options.width) input["width"] = *options.width;
  if (options.height) input["height"] = *options.height;
  if (options.strength) input["strength"] = *options.strength;
  if (options.guidance) input["guidance"] = *options.guidance;
  if (!options.image.empty()) {
    SEL_TRY(bytes, read_file(options.image));
    std::string text;
    append_base64(text, std::as_bytes(std::span(bytes)));
    input["image_b64"] = std::move(text);
  }
  if (!options.mask.empty()) {
    SEL_TRY(bytes, read_file(options.mask));
    json list = json::array();
    for (const char byte : bytes) list.push_back(static_cast<unsigned char>(byte));
    input["mask"] = std::move(list);
  }
  return input;
}

// A call's body and its content type.
struct Body {
  std::string bytes;
  std::string type;
};

// FLUX.2 takes a form, and pictures to take up in place of one to begin from.
Result<Body> form_of(const ImagineOptions& options) {
  FormBody form;
  form.add("prompt", options.prompt);
  if (options.seed) form.add("seed", std::to_string(*options.seed));
  if (options.steps) form.add("steps", std::to_string(*options.steps));
  if (options.width) form.add("width", std::to_string(*options.width));
  if (options.height) form.add("height", std::to_string(*options.height));
  if (options.guidance) form.add("guidance", json(*options.guidance).dump());
  if (!options.image.empty()) {
    SEL_TRY(bytes, read_file(options.image));
    form.add_file("input_image_0", bytes);
  }
  std::string type = form.content_type();
  return Body{form.take(), std::move(type)};
}

Result<Body> body_of(const ImagineOptions& options) {
  if (options.model.find("/flux-2-") != std::string::npos) return form_of(options);
  SEL_TRY(input, input_of(options));
  return Body{input.dump(), "application/json"};
}

// What the server's events told.
struct Drawn {
  std::string weights;
  json last;
  std::string error;
  bool done = false;
};

void take_event(const http::ServerEvent& event, ProgressBar& bar, Drawn& drawn) {
  drawn.done = drawn.done || event.data == "[DONE]";
  const json data = json::parse(event.data, nullptr, false);
  if (!data.is_object()) return;
  if (event.event == "progress") {
    const auto step = data.value("step", std::uint64_t{0});
    return bar.update(step, data.value("steps", std::uint64_t{0}), "drawing");
  }
  if (data.contains("errors")) drawn.error = data["errors"].front().value("message", "failed");
  if (data.contains("image")) drawn.last = data;
}

Result<Drawn> draw(const Context& context, const ImagineOptions& options) {
  SEL_TRY(body, body_of(options));
  const ApiClient client(context.api_url, "server", context.token);
  Drawn drawn;
  ProgressBar bar(options.output, context.json, "steps");
  const std::string path = "/client/v4/accounts/" + http::percent_encoded(context.account) +
                           "/ai/run/" + options.model + "?progress=true";
  SEL_CHECK_OK(client.stream(
      path, std::move(body.bytes),
      [&drawn](std::string_view weights, std::string_view) { drawn.weights = weights; },
      [&](const http::ServerEvent& event) { take_event(event, bar, drawn); },
      std::move(body.type)));
  if (!drawn.error.empty()) return Error{Code::internal, drawn.error};
  if (!drawn.done || !drawn.last.is_object()) return Error{Code::io, "the answer broke off"};
  return drawn;
}

// Beside its place and renamed: what is there before stays until the picture is whole.
Status keep(const std::string& bytes, const fs::path& place) {
  const fs::path partial = place.string() + ".part";
  {
    std::ofstream out(partial, std::ios::binary | std::ios::trunc);
    out << bytes;
    out.flush();
    if (!out) {
      return Error{Code::io, "cannot write \"" + partial.string() + "\": " + std::strerror(errno)};
    }
  }
  std::error_code problem;
  fs::rename(partial, place, problem);
  if (!problem) return ok_status();
  fs::remove(partial, problem);
  return Error{Code::io, "cannot write \"" + place.string() + "\""};
}

void imagine(Context& context, const ImagineOptions& options) {
  auto drawn = draw(context, options);
  if (!drawn.ok()) return fail(context, drawn.error());
  json& last = drawn->last;
  const auto bytes = base64_bytes(last.value("image", std::string()));
  if (!bytes) return fail(context, {Code::io, "the server sent no picture"});
  const bool to_stdout = options.output == "-";
  if (to_stdout) {
    print(*bytes);
  } else if (const Status kept = keep(*bytes, options.output); !kept.ok()) {
    return fail(context, kept.error());
  }
  last.erase("image");
  last["file"] = options.output;
  last["model"] = drawn->weights;
  if (context.json && !to_stdout) return print_line(last.dump(2));
  if (to_stdout) return;
  print_line(bold(options.output) + " (" + std::to_string(last.value("width", 0)) + " x " +
             std::to_string(last.value("height", 0)) + ", seed " +
             std::to_string(last.value("seed", std::uint64_t{0})) + ") by " + drawn->weights);
}

}  // namespace

void add_imagine_verb(CLI::App& app, Context& context) {
  auto options = std::make_shared<ImagineOptions>();
  CLI::App* verb = app.add_subcommand("imagine", "Draw a picture from its description");
  verb->add_option("prompt", options->prompt, "The description")->required();
  verb->add_option("-o,--output", options->output, "File of the picture; - = stdout")
      ->capture_default_str();
  verb->add_option("--model", options->model, "Model that draws")->capture_default_str();
  verb->add_option("--negative", options->negative, "What shall not be in it");
  verb->add_option("--seed", options->seed, "The same seed draws the same picture");
  verb->add_option("--steps", options->steps, "Steps of drawing");
  verb->add_option("--width", options->width, "Pixels");
  verb->add_option("--height", options->height, "Pixels");
  verb->add_option("--guidance", options->guidance, "How closely the description is followed");
  verb->add_option("--image", options->image, "A PNG or JPEG to begin from");
  verb->add_option("--mask", options->mask, "Of the image: white is drawn anew, black stays");
  verb->add_option("--strength", options->strength, "How far from the image: 0 to 1");
  verb->callback([options, &context] { imagine(context, *options); });
}

}  // namespace selvedge::cli
