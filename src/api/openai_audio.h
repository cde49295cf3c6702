// OpenAI audio: /audio/transcriptions and /audio/translations, from a form to a transcript.
#pragma once

#include "api/context.h"
#include "api/router.h"

namespace selvedge::api {

// A request's fields, once they are known to be good.
struct OpenAiAudioCall {
  std::string model;
  inference::TranscribeTask task;
  std::string format = "json";  // json, text, srt, verbose_json or vtt.
  bool words = false;           // Of verbose_json.
  bool segments = true;         // The same.
  bool progress = false;        // As events. Ours.
};

// Reads the parts of a multipart body: `file`, `model`, `language` (transcriptions), `prompt`,
// `response_format`, `temperature`, `timestamp_granularities[]`, and
// `progress` (ours); others are passed over. Errors:
// invalid_input; `param` is then the field at fault.
Result<OpenAiAudioCall> parse_openai_audio(std::string_view content_type, std::string_view body,
                                           bool translate, std::string& param);

// The body of an answer in `call.format`, and its content type.
struct OpenAiAudioAnswer {
  std::string type;
  std::string body;
};
OpenAiAudioAnswer openai_audio_answer(const OpenAiAudioCall& call,
                                      const wire::Transcript& transcript);

// The Cloudflare id that a client's name of a speech model means: `whisper-1` is
// @cf/openai/whisper, the names of the open models theirs; others as cloudflare_model_id().
std::string speech_model_id(std::string_view name);

// …/ai/v1/audio/… of an account, and /v1/audio/….
void add_openai_audio_routes(Router& router, const ApiContext& context);

}  // namespace selvedge::api
