// Subtitles: times as two formats write them.
#include "api/subtitles.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <utility>

namespace selvedge::api {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kSpaces);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpaces) - begin + 1);
}

std::string time_text(double seconds, char point, bool hours_always) {
  const auto all = static_cast<std::int64_t>(std::llround(std::max(seconds, 0.0) * 1000));
  const long long hours = all / 3'600'000;
  char text[48];
  if (hours > 0 || hours_always) {
    std::snprintf(text, sizeof text, "%02lld:%02lld:%02lld%c%03lld", hours,
                  static_cast<long long>(all / 60'000 % 60),
                  static_cast<long long>(all / 1000 % 60), point,
                  static_cast<long long>(all % 1000));
  } else {
    std::snprintf(text, sizeof text, "%02lld:%02lld%c%03lld", static_cast<long long>(all / 60'000),
                  static_cast<long long>(all / 1000 % 60), point,
                  static_cast<long long>(all % 1000));
  }
  return text;
}

// A blank line would end a cue, and an arrow begin one.
std::string cue_text(std::string_view text) {
  std::string line;
  for (const char c : trimmed(text)) line += c == '\n' || c == '\r' ? ' ' : c;
  for (std::size_t at = line.find("-->"); at != line.npos; at = line.find("-->", at)) {
    line.replace(at, 3, "->");
  }
  return line;
}

}  // namespace

std::string transcript_text(const wire::Transcript& transcript) {
  std::string text;
  for (const wire::SpokenSegment& segment : transcript.segments) text += segment.text;
  return std::string(trimmed(text));
}

std::string transcript_vtt(const wire::Transcript& transcript) {
  std::string vtt = "WEBVTT\n\n";
  for (const wire::SpokenSegment& segment : transcript.segments) {
    vtt += time_text(segment.start_s, '.', false) + " --> " + time_text(segment.end_s, '.', false) +
           "\n" + cue_text(segment.text) + "\n\n";
  }
  return vtt;
}

std::string transcript_srt(const wire::Transcript& transcript) {
  std::string srt;
  std::size_t number = 0;
  for (const wire::SpokenSegment& segment : transcript.segments) {
    srt += std::to_string(++number) + "\n" + time_text(segment.start_s, ',', true) + " --> " +
           time_text(segment.end_s, ',', true) + "\n" + cue_text(segment.text) + "\n\n";
  }
  return srt;
}

std::vector<wire::SpokenWord> transcript_words(const wire::Transcript& transcript) {
  std::vector<wire::SpokenWord> words;
  for (const wire::SpokenSegment& segment : transcript.segments) {
    if (!segment.words.empty()) {
      for (const wire::SpokenWord& word : segment.words) {
        words.push_back({std::string(trimmed(word.text)), word.start_s, word.end_s});
      }
      continue;
    }
    std::string_view rest = trimmed(segment.text);
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find_first_of(kSpaces), rest.size());
      words.push_back({std::string(rest.substr(0, end)), segment.start_s, segment.end_s});
      rest = trimmed(rest.substr(end));
    }
  }
  return words;
}

}  // namespace selvedge::api
