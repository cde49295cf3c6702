// Thin client of /v1/audio: the file goes up as a form, what comes back is printed.
#include "cli/transcribe_verb.h"

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/uuid.h"
#include "cli/api_client.h"
#include "cli/output.h"

namespace selvedge::cli {
namespace {

// The server says nothing until it has done.
constexpr int kSilenceMsMax = 3'600'000;

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

void add_field(std::string& form, const std::string& boundary, const std::string& name,
               const std::string& value) {
  if (value.empty()) return;
  form += "--" + boundary + "\r\ncontent-disposition: form-data; name=\"" + name + "\"\r\n\r\n" +
          value + "\r\n";
}

std::string form_of(const TranscribeOptions& options, const std::string& format,
                    const std::string& boundary, std::string file) {
  std::string form;
  add_field(form, boundary, "model", options.model);
  add_field(form, boundary, "language", options.language);
  add_field(form, boundary, "prompt", options.prompt);
  add_field(form, boundary, "response_format", format);
  if (format == "verbose_json") {
    add_field(form, boundary, "timestamp_granularities[]", "word");
    add_field(form, boundary, "timestamp_granularities[]", "segment");
  }
  form += "--" + boundary +
          "\r\ncontent-disposition: form-data; name=\"file\"; filename=\"audio\"\r\n\r\n" +
          std::move(file) + "\r\n--" + boundary + "--\r\n";
  return form;
}

// On a terminal, for how long the server has been at it.
class Clock {
 public:
  Clock() {
    if (::isatty(STDERR_FILENO) == 0) return;
    thread_ = std::jthread([this] { run(); });
  }
  ~Clock() {
    {
      const std::lock_guard lock(ended_mutex_);
      ended_ = true;
    }
    changed_.notify_all();
    if (!thread_.joinable()) return;
    thread_.join();
    std::fprintf(stderr, "\r\033[K");
  }
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;

 private:
  void run() {
    std::unique_lock lock(ended_mutex_);
    for (int seconds = 0; !ended_; ++seconds) {
      std::fprintf(stderr, "\rtranscribing, %d s", seconds);
      changed_.wait_for(lock, std::chrono::seconds(1), [this] { return ended_; });
    }
  }

  std::mutex ended_mutex_;  // Guards what follows, but the thread.
  std::condition_variable changed_;
  bool ended_ = false;
  std::jthread thread_;
};

void transcribe(Context& context, const TranscribeOptions& options) {
  auto file = read_file(options.file);
  if (!file.ok()) return fail(context, file.error());
  const std::string format = context.json  ? "verbose_json"
                             : options.vtt ? "vtt"
                             : options.srt ? "srt"
                                           : "text";
  const std::string boundary = random_uuid();
  const ApiClient client(context.api_url, "server", context.token);
  const char* path = options.translate ? "/v1/audio/translations" : "/v1/audio/transcriptions";
  auto response = [&] {
    const Clock clock;
    return client.exchange("POST", path,
                           form_of(options, format, boundary, std::move(file).value()),
                           "multipart/form-data; boundary=" + boundary, kSilenceMsMax);
  }();
  if (!response.ok()) {
    if (response.error().code != Code::unavailable) return fail(context, response.error());
    return fail(context, Error{Code::unavailable, "no server answers at " + context.api_url +
                                                      "; start one with \"selvedge serve\""});
  }
  if (response->status != 200) {
    return fail(context, said_by_server(response->status, response->body));
  }
  std::fprintf(stderr, "%s\n",
               dim("answered by " + std::string(response->headers.get("selvedge-model"))).c_str());
  print(response->body);
  if (!response->body.ends_with('\n')) print_line("");
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
