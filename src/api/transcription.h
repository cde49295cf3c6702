// Transcription: Workers AI's speech recognition, from inputs to a task and from a transcript to
// JSON.
#pragma once

#include <string>

#include "api/speech_input.h"
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

// [{"word","start","end"},…]
void append_words(std::string& json, const std::vector<wire::SpokenWord>& words);

}  // namespace selvedge::api
