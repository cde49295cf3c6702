// OpenAI audio: parts of a form, five forms of answers.
#include "api/openai_audio.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>
#include <utility>

#include "api/answer_headers.h"
#include "api/errors.h"
#include "api/inline_work.h"
#include "api/json_writer.h"
#include "api/multipart.h"
#include "api/openai_models.h"
#include "api/openai_routes.h"
#include "api/payer.h"
#include "api/request_id.h"
#include "api/sse.h"
#include "api/subtitles.h"
#include "api/transcription.h"
#include "api/usage.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "inference/price.h"

namespace selvedge::api {
namespace {

constexpr std::array<std::string_view, 5> kFormats = {"json", "text", "srt", "verbose_json", "vtt"};

Error wrong(std::string& param, std::string_view name, std::string message) {
  param = name;
  return Error{Code::invalid_input, std::move(message)};
}

Result<double> read_temperature(std::string_view text, std::string& param) {
  double value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = read.ec == std::errc() && read.ptr == text.data() + text.size();
  if (whole && value >= 0 && value <= 1) return value;
  return wrong(param, "temperature",
               "Invalid 'temperature': expected a decimal value between 0 and 1.");
}

Status read_granularity(std::string_view text, OpenAiAudioCall& call, std::string& param,
                        bool& named) {
  if (!named) call.segments = false;
  named = true;
  if (text == "word") {
    call.words = true;
  } else if (text == "segment") {
    call.segments = true;
  } else {
    return wrong(param, "timestamp_granularities",
                 "Invalid 'timestamp_granularities': supported values are 'word' and 'segment'.");
  }
  return ok_status();
}

Status read_format(std::string_view text, OpenAiAudioCall& call, std::string& param) {
  if (std::ranges::find(kFormats, text) == kFormats.end()) {
    return wrong(param, "response_format",
                 "Invalid value for 'response_format': supported values are 'json', 'text', 'srt', "
                 "'verbose_json', and 'vtt'.");
  }
  call.format = text;
  return ok_status();
}

void append_field(std::string& json, std::string_view name, double value, int places) {
  json += ",\"";
  json += name;
  json += "\":";
  json += decimal_text(value, places);
}

void append_openai_segment(std::string& json, const wire::SpokenSegment& segment, std::size_t id) {
  json += "{\"id\":";
  append_integer(json, id);
  json += ",\"seek\":";
  append_integer(json, static_cast<std::int64_t>(segment.start_s * 100));
  append_field(json, "start", segment.start_s, 3);
  append_field(json, "end", segment.end_s, 3);
  json += ",\"text\":";
  append_string(json, segment.text);
  json += ",\"tokens\":[]";
  append_field(json, "temperature", segment.temperature, 3);
  append_field(json, "avg_logprob", segment.mean_logprob, 6);
  append_field(json, "compression_ratio", segment.compression_ratio, 6);
  append_field(json, "no_speech_prob", segment.no_speech_probability, 9);
  json += '}';
}

std::string verbose_json(const OpenAiAudioCall& call, const wire::Transcript& transcript) {
  std::string json = "{\"task\":";
  json += call.task.request.translate ? "\"translate\"" : "\"transcribe\"";
  json += ",\"language\":";
  const std::string& name = transcript.language_name;
  append_string(json, name.empty() ? transcript.language : name);
  append_field(json, "duration", transcript.duration_s, 3);
  json += ",\"text\":";
  append_string(json, transcript_text(transcript));
  if (call.words) {
    json += ",\"words\":";
    append_words(json, transcript_words(transcript));
  }
  if (call.segments) {
    json += ",\"segments\":[";
    for (std::size_t at = 0; at < transcript.segments.size(); ++at) {
      if (at > 0) json += ',';
      append_openai_segment(json, transcript.segments[at], at);
    }
    json += ']';
  }
  json += '}';
  return json;
}

http::Response audio_error(const Error& error, std::string_view param) {
  if (!param.empty()) return openai_error(error, param);
  const bool of_model =
      error.code == Code::model_not_found || error.code == Code::model_not_installed ||
      error.code == Code::model_unsupported || error.code == Code::model_deprecated;
  const bool of_file = error.code == Code::invalid_input && error.message.starts_with("audio:");
  const bool of_language =
      error.code == Code::invalid_input && error.message.starts_with("language:");
  return openai_error(openai_wording(error), of_model      ? "model"
                                             : of_file     ? "file"
                                             : of_language ? "language"
                                                           : "");
}

// The answer's head still lacks what it says of the model.
struct AnsweredAudio {
  Result<http::Response> response;
  std::optional<double> neurons;  // Of a stream its last event tells.
};

asio::awaitable<AnsweredAudio> answer_audio(std::unique_ptr<inference::TranscribeStream> stream,
                                            OpenAiAudioCall call,
                                            const catalog::ModelEntry& entry) {
  if (call.progress) {
    auto last = [call = std::move(call), &entry](const wire::Transcript& transcript) {
      const OpenAiAudioAnswer answer = openai_audio_answer(call, transcript);
      std::string json = "{\"content_type\":";
      append_string(json, answer.type);
      json += ",\"body\":";
      append_string(json, answer.body);
      json += ",\"neurons\":";
      json += neurons_text(inference::neurons_of_audio(entry, transcript.duration_s));
      json += '}';
      return json;
    };
    auto error_json = [](const Error& error) { return openai_error_json(openai_wording(error)); };
    auto events = transcription_events(std::move(stream), std::move(last), std::move(error_json));
    auto response = co_await sse_response(std::move(events));
    co_return AnsweredAudio{std::move(response), std::nullopt};
  }
  auto transcribed = co_await inference::outcome_of(*stream);
  if (!transcribed.ok()) co_return AnsweredAudio{std::move(transcribed.error()), std::nullopt};
  OpenAiAudioAnswer answer = openai_audio_answer(call, *transcribed);
  co_return AnsweredAudio{bytes_response(std::move(answer.type), std::move(answer.body)),
                          inference::neurons_of_audio(entry, transcribed->duration_s)};
}

asio::awaitable<http::Response> run_audio(const ApiContext& context, const http::Request& request,
                                          inference::Payer payer, bool translate) {
  std::string param;
  auto work = [&] {
    return parse_openai_audio(request.headers.get("content-type"), request.body, translate, param);
  };
  auto parsed = co_await inline_or_offload(context.pool, request.body.size(), kInlineBodyBytes,
                                           std::move(work));
  if (!parsed.ok()) co_return audio_error(parsed.error(), param);
  OpenAiAudioCall call = std::move(parsed).value();
  const std::string name =
      context.rules.model_names_exact ? call.model : speech_model_id(call.model);
  auto found = resolve_openai_model(context, name, catalog::Task::automatic_speech_recognition);
  if (!found.ok()) co_return audio_error(found.error(), "");
  const catalog::Resolved model = std::move(found).value();
  inference::TranscribeTask task = std::move(call.task);
  call.task.request.translate = translate;
  task.payer = std::move(payer);
  auto started = co_await context.inference.transcribe(model, std::move(task));
  if (!started.ok()) co_return audio_error(started.error(), "");
  auto answered = co_await answer_audio(std::move(started).value(), std::move(call), *model.entry);
  if (!answered.response.ok()) co_return audio_error(answered.response.error(), "");
  http::Response response = std::move(answered.response).value();
  set_answer_headers(response, answered_by(model), request_id_of(context, request),
                     answered.neurons);
  co_return std::move(response);
}

void add_audio(Router& router, const ApiContext& context, std::string path, bool translate) {
  router.add({"POST", std::move(path),
              [&context, translate](http::Request& request, const PathParameters& parameters) {
                return run_audio(context, request, payer_of(request, parameters.get("account")),
                                 translate);
              },
              limits::audio_body_bytes_max});
}

}  // namespace

Result<OpenAiAudioCall> parse_openai_audio(std::string_view content_type, std::string_view body,
                                           bool translate, std::string& param) {
  auto parts = parse_multipart(content_type, body);
  if (!parts.ok()) {
    return Error{Code::invalid_input, "Could not parse multipart form: " + parts.error().message};
  }
  OpenAiAudioCall call;
  call.task.request.translate = translate;
  bool has_file = false;
  bool named = false;
  for (const MultipartPart& part : *parts) {
    const std::string_view name = part.name;
    const std::string_view text = part.content;
    if (name == "file") {
      call.task.request.audio = text;
      has_file = true;
      continue;
    }
    if (!utf8::valid(text)) return wrong(param, name, "Invalid form field: it is no UTF-8.");
    if (name == "model") call.model = text;
    if (name == "prompt") call.task.request.prompt = text;
    if (name == "language" && !translate) call.task.request.language = text;
    if (name == "progress") call.progress = text == "true" || text == "1";
    if (name == "response_format") SEL_CHECK_OK(read_format(text, call, param));
    if (name == "temperature") {
      SEL_TRY(temperature, read_temperature(text, param));
      call.task.request.temperature = temperature;
    }
    if (name == "timestamp_granularities[]" || name == "timestamp_granularities") {
      SEL_CHECK_OK(read_granularity(text, call, param, named));
    }
  }
  if (call.model.empty()) return wrong(param, "model", "you must provide a model parameter");
  if (!has_file) return wrong(param, "file", "you must provide a file: a part named 'file'");
  if (named && call.format != "verbose_json") {
    return wrong(param, "timestamp_granularities",
                 "timestamp_granularities are only supported with response_format verbose_json");
  }
  return call;
}

OpenAiAudioAnswer openai_audio_answer(const OpenAiAudioCall& call,
                                      const wire::Transcript& transcript) {
  constexpr const char* kText = "text/plain; charset=utf-8";
  if (call.format == "text") return {kText, transcript_text(transcript) + "\n"};
  if (call.format == "srt") return {kText, transcript_srt(transcript)};
  if (call.format == "vtt") return {"text/vtt; charset=utf-8", transcript_vtt(transcript)};
  if (call.format == "verbose_json") return {"application/json", verbose_json(call, transcript)};
  std::string json = "{\"text\":";
  append_string(json, transcript_text(transcript));
  json += '}';
  return {"application/json", std::move(json)};
}

std::string speech_model_id(std::string_view name) {
  if (name == "whisper-1" || name == "whisper" || name == "openai/whisper-base") {
    return "@cf/openai/whisper";
  }
  if (name == "whisper-large-v3-turbo" || name == "openai/whisper-large-v3-turbo") {
    return "@cf/openai/whisper-large-v3-turbo";
  }
  if (name == "whisper-tiny-en" || name == "openai/whisper-tiny.en") {
    return "@cf/openai/whisper-tiny-en";
  }
  return cloudflare_model_id(name);
}

void add_openai_audio_routes(Router& router, const ApiContext& context) {
  const std::string hosted = "/client/v4/accounts/{account}/ai/v1/audio/";
  for (const std::string& base : {hosted, std::string("/v1/audio/")}) {
    add_audio(router, context, base + "transcriptions", false);
    add_audio(router, context, base + "translations", true);
  }
}

}  // namespace selvedge::api
