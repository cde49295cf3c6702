// Thin client of /v1/audio: the file goes up as a form, what comes back is printed.
#include "cli/transcribe_verb.h"

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/api_client.h"
#include "cli/form_body.h"
#include "cli/output.h"
#include "cli/progress_bar.h"

namespace selvedge::cli {
namespace {

struct TranscribeOptions {
  std::string file;
  std::string model = "@cf/openai/whisper";
  std::string language;
  std::string prompt;
  bool translate = false;
  bool vtt = false;
  bool srt = false;
};

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) return Error{Code::not_found, "cannot read \"" + path + "\""};
  if (bytes.empty()) return Error{Code::invalid_input, "\"" + path + "\" is empty"};
  return bytes;
}

FormBody form_of(const TranscribeOptions& options, const std::string& format,
                 std::string_view file) {
  FormBody form;
  form.add("model", options.model);
  form.add("language", options.language);
  form.add("prompt", options.prompt);
  form.add("response_format", format);
  form.add("progress", "true");
  if (format == "verbose_json") {
    form.add("timestamp_granularities[]", "word");
    form.add("timestamp_granularities[]", "segment");
  }
  form.add_file("file", file);
  return form;
}

// What the server's events told.
struct Transcribed {
  std::string weights;
  std::string body;
  std::string error;
  bool done = false;
};

void take_event(const http::ServerEvent& event, ProgressBar& bar, Transcribed& transcribed) {
  transcribed.done = transcribed.done || event.data == "[DONE]";
  const auto data = nlohmann::json::parse(event.data, nullptr, false);
  if (!data.is_object()) return;
  if (event.event == "progress") {
    const auto seconds = data.value("seconds", std::uint64_t{0});
    return bar.update(seconds, data.value("duration", std::uint64_t{0}), "transcribing");
  }
  if (data.contains("error")) transcribed.error = data["error"].value("message", "failed");
  transcribed.body = data.value("body", std::string());
}

Result<Transcribed> transcribed_by_server(const Context& context, const TranscribeOptions& options,
                                          std::string_view file) {
  const std::string format = context.json  ? "verbose_json"
                             : options.vtt ? "vtt"
                             : options.srt ? "srt"
                                           : "text";
  FormBody form = form_of(options, format, file);
  const ApiClient client(context.api_url, "server", context.token);
  const char* path = options.translate ? "/v1/audio/translations" : "/v1/audio/transcriptions";
  Transcribed transcribed;
  ProgressBar bar(std::filesystem::path(options.file).filename().string(), context.json, "seconds");
  SEL_CHECK_OK(client.stream(
      path, form.take(),
      [&](std::string_view weights, std::string_view) { transcribed.weights = weights; },
      [&](const http::ServerEvent& event) { take_event(event, bar, transcribed); },
      form.content_type()));
  if (!transcribed.error.empty()) return Error{Code::internal, transcribed.error};
  if (!transcribed.done) return Error{Code::io, "the answer broke off"};
  return transcribed;
}

void transcribe(Context& context, const TranscribeOptions& options) {
  auto file = read_file(options.file);
  if (!file.ok()) return fail(context, file.error());
  const auto transcribed = transcribed_by_server(context, options, *file);
  if (!transcribed.ok()) return fail(context, transcribed.error());
  std::fprintf(stderr, "%s\n", dim("answered by " + transcribed->weights).c_str());
  print(transcribed->body);
  if (!transcribed->body.ends_with('\n')) print_line("");
}

}  // namespace

void add_transcribe_verb(CLI::App& app, Context& context) {
  auto options = std::make_shared<TranscribeOptions>();
  CLI::App* verb = app.add_subcommand("transcribe", "Write down what is said in an audio file");
  verb->add_option("file", options->file, "WAV, MP3, FLAC, Ogg, M4A, WebM …")->required();
  verb->add_option("--model", options->model, "Id of a speech model")->capture_default_str();
  verb->add_option("--language", options->language, "Its code, such as de; else it is found out");
  verb->add_option("--prompt", options->prompt, "Text before the audio: names, style");
  verb->add_flag("--translate", options->translate, "Into English");
  CLI::Option* vtt = verb->add_flag("--vtt", options->vtt, "Print subtitles as WebVTT");
  verb->add_flag("--srt", options->srt, "Print subtitles as SubRip")->excludes(vtt);
  verb->callback([options, &context] { transcribe(context, *options); });
}

}  // namespace selvedge::cli
