// Subtitles: a transcript as text, WebVTT and SubRip.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "wire/messages.h"

namespace selvedge::api {

// The segments' texts in one, without spaces around it.
std::string transcript_text(const wire::Transcript& transcript);

// "WEBVTT\n\n00:00.000 --> 00:07.680\nAsk not …\n\n": hours where there are any. Line breaks and
// "-->" within a text are replaced.
std::string transcript_vtt(const wire::Transcript& transcript);

// "1\n00:00:00,000 --> 00:00:07,680\nAsk not …\n\n"
std::string transcript_srt(const wire::Transcript& transcript);

// All words of all segments; where a segment has none, those of its text, all over its time.
std::vector<wire::SpokenWord> transcript_words(const wire::Transcript& transcript);

}  // namespace selvedge::api
