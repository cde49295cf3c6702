// Transcription: Workers AI's speech recognition, from inputs to a task and from a transcript to
// JSON.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/speech_input.h"
#include "api/sse.h"
#include "base/result.h"
#include "catalog/catalog.h"
#include "inference/inference.h"

namespace selvedge::api {

struct TranscribeCall {
  inference::TranscribeTask task;
  bool detailed = false;  // whisper-large-v3-turbo's fields.
};

// `input` has met the schema of `entry`, unless it is a body by itself. Whisper takes `source_lang`
// and `target_lang` (English alone is one it can translate into); the turbo model its own options.
// Errors: invalid_input, unknown_content_type (no base64).
Result<TranscribeCall> parse_transcribe(SpeechInput input, const catalog::ModelEntry& entry);

// {"text","word_count","words":[{"word","start","end"}],"vtt"}; detailed: {"transcription_info":
// {"language","language_probability","duration","duration_after_vad"},"text","word_count",
// "segments":[{"start","end","text","temperature","avg_logprob","compression_ratio",
// "no_speech_prob","words"}],"vtt"}. Times in seconds. Source: docs/compatibility.md#speech.
std::string transcribe_result(const wire::Transcript& transcript, bool detailed);

// A transcription as server-sent events: "event: progress" with {"seconds","duration"}, how much of
// the audio is heard, then transcribe_result() with "neurons", [DONE]. `error_json` makes the
// door's form of an error. `entry` outlives the result.
std::unique_ptr<EventSource> transcription_events(
    std::unique_ptr<inference::TranscribeStream> stream, const catalog::ModelEntry& entry,
    bool detailed, std::function<std::string(const Error&)> error_json);

// The same with the last event of another door: `last` makes its JSON.
std::unique_ptr<EventSource> transcription_events(
    std::unique_ptr<inference::TranscribeStream> stream,
    std::function<std::string(const wire::Transcript&)> last,
    std::function<std::string(const Error&)> error_json);

// [{"word","start","end"},…]
void append_words(std::string& json, const std::vector<wire::SpokenWord>& words);

}  // namespace selvedge::api
