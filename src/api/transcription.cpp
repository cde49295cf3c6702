// Transcription: fields in, fields out.
#include "api/transcription.h"

#include <utility>

#include "api/input_check.h"
#include "api/json_reader.h"
#include "api/json_writer.h"
#include "api/subtitles.h"
#include "api/usage.h"
#include "api/work_events.h"
#include "base/base64.h"
#include "inference/price.h"

namespace selvedge::api {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kTurbo = "@cf/openai/whisper-large-v3-turbo";
constexpr std::string_view kEnglishOnly = "@cf/openai/whisper-tiny-en";

Error no_base64() {
  return Error{Code::unknown_content_type, "Invalid data type for base64 input: '/audio' not met"};
}

// "data:audio/mpeg;base64,…" is base64 with a note of what it is.
Result<std::string> decoded(std::string_view text) {
  if (text.starts_with("data:")) {
    const std::size_t comma = text.find(',');
    if (comma == text.npos || !text.substr(0, comma).ends_with(";base64")) return no_base64();
    text.remove_prefix(comma + 1);
  }
  auto bytes = base64_bytes(text);
  if (!bytes) return no_base64();
  return *std::move(bytes);
}

// The file, of every form but the list of bytes: base64, or an object with such a `body`.
Result<std::string> audio_of(SpeechInput& input) {
  const Json* audio = present(input.inputs, "audio");
  if (input.is_body || audio == nullptr || audio->is_array()) return std::move(input.bytes);
  if (audio->is_string()) return decoded(audio->get_ref<const std::string&>());
  const Json* body = audio->is_object() ? present(*audio, "body") : nullptr;
  if (body == nullptr) return type_mismatch("/audio", "string", *audio);
  if (body->is_string()) return decoded(body->get_ref<const std::string&>());
  if (!body->is_array()) return type_mismatch("/audio/body", "string", *body);
  SEL_TRY(bytes, speech_input_of(Json{{"audio", *body}}));
  return std::move(bytes.bytes);
}

template <class T>
void read(const Json& inputs, const char* name, T& into) {
  const Json* value = present(inputs, name);
  if (value == nullptr) return;
  if constexpr (std::is_same_v<T, bool>) {
    // Texts that say so are booleans where the schema was met leniently.
    into = value->is_boolean() ? value->get<bool>() : value->is_string() && *value == "true";
  } else {
    if (value->is_number()) into = value->get<T>();
  }
}

void read_turbo(const Json& inputs, wire::Transcribe& request) {
  request.translate = text_in(inputs, "task") == "translate";
  request.language = text_in(inputs, "language");
  request.prompt = text_in(inputs, "initial_prompt");
  request.prefix = text_in(inputs, "prefix");
  read(inputs, "vad_filter", request.skip_silence);
  read(inputs, "beam_size", request.beam_size);
  read(inputs, "condition_on_previous_text", request.condition_on_previous_text);
  read(inputs, "no_speech_threshold", request.no_speech_threshold);
  read(inputs, "compression_ratio_threshold", request.compression_ratio_threshold);
  read(inputs, "log_prob_threshold", request.log_prob_threshold);
}

void append_number(std::string& json, const char* name, double value, int places = 3) {
  json += '"';
  json += name;
  json += "\":";
  json += decimal_text(value, places);
}

void append_segment(std::string& json, const wire::SpokenSegment& segment) {
  json += '{';
  append_number(json, "start", segment.start_s);
  json += ',';
  append_number(json, "end", segment.end_s);
  json += ",\"text\":";
  append_string(json, segment.text);
  json += ',';
  append_number(json, "temperature", segment.temperature);
  json += ',';
  append_number(json, "avg_logprob", segment.mean_logprob, 6);
  json += ',';
  append_number(json, "compression_ratio", segment.compression_ratio, 6);
  json += ',';
  append_number(json, "no_speech_prob", segment.no_speech_probability, 9);
  json += ",\"words\":";
  append_words(json, segment.words);
  json += '}';
}

void append_info(std::string& json, const wire::Transcript& transcript) {
  json += "\"transcription_info\":{\"language\":";
  append_string(json, transcript.language);
  json += ',';
  append_number(json, "language_probability", transcript.language_probability, 6);
  json += ',';
  append_number(json, "duration", transcript.duration_s);
  json += ',';
  append_number(json, "duration_after_vad", transcript.duration_voiced_s);
  json += "},";
}

asio::awaitable<Result<std::string>> last_events(
    std::function<std::string(const wire::Transcript&)> last, wire::Transcript transcript) {
  std::string events = sse_event(last(transcript));
  events += kSseDone;
  co_return std::move(events);
}

}  // namespace

Result<TranscribeCall> parse_transcribe(SpeechInput input, const catalog::ModelEntry& entry) {
  TranscribeCall call;
  call.detailed = entry.id == kTurbo;
  wire::Transcribe& request = call.task.request;
  SEL_TRY(audio, audio_of(input));
  request.audio = std::move(audio);
  if (call.detailed) {
    read_turbo(input.inputs, request);
  } else if (entry.id != kEnglishOnly) {
    request.language = text_in(input.inputs, "source_lang");
    const std::string target = text_in(input.inputs, "target_lang");
    const bool english = target == "en" || target == "english";
    request.translate = english && request.language != "en" && request.language != "english";
  }
  return call;
}

void append_words(std::string& json, const std::vector<wire::SpokenWord>& words) {
  json += '[';
  bool first = true;
  for (const wire::SpokenWord& word : words) {
    if (!first) json += ',';
    first = false;
    json += "{\"word\":";
    append_string(json, word.text);
    json += ',';
    append_number(json, "start", word.start_s);
    json += ',';
    append_number(json, "end", word.end_s);
    json += '}';
  }
  json += ']';
}

std::string transcribe_result(const wire::Transcript& transcript, bool detailed) {
  const auto words = transcript_words(transcript);
  std::string json = "{";
  if (detailed) append_info(json, transcript);
  json += "\"text\":";
  append_string(json, transcript_text(transcript));
  json += ",\"word_count\":";
  append_integer(json, words.size());
  if (detailed) {
    json += ",\"segments\":[";
    for (const wire::SpokenSegment& segment : transcript.segments) {
      if (&segment != transcript.segments.data()) json += ',';
      append_segment(json, segment);
    }
    json += ']';
  } else {
    json += ",\"words\":";
    append_words(json, words);
  }
  json += ",\"vtt\":";
  append_string(json, transcript_vtt(transcript));
  json += '}';
  return json;
}

std::unique_ptr<EventSource> transcription_events(
    std::unique_ptr<inference::TranscribeStream> stream, const catalog::ModelEntry& entry,
    bool detailed, std::function<std::string(const Error&)> error_json) {
  auto last = [&entry, detailed](const wire::Transcript& transcript) {
    std::string json = transcribe_result(transcript, detailed);
    json.back() = ',';
    json += "\"neurons\":";
    json += neurons_text(inference::neurons_of_audio(entry, transcript.duration_s));
    json += '}';
    return json;
  };
  return transcription_events(std::move(stream), std::move(last), std::move(error_json));
}

std::unique_ptr<EventSource> transcription_events(
    std::unique_ptr<inference::TranscribeStream> stream,
    std::function<std::string(const wire::Transcript&)> last,
    std::function<std::string(const Error&)> error_json) {
  auto events = [last = std::move(last)](wire::Transcript transcript) {
    return last_events(last, std::move(transcript));
  };
  return std::make_unique<WorkEvents<wire::Transcript>>(
      std::move(stream), WorkEvents<wire::Transcript>::Way{"seconds", "duration", std::move(events),
                                                           std::move(error_json)});
}

}  // namespace selvedge::api
