// Tests of subtitles: times, and texts that would break a cue.
#include "api/subtitles.h"

#include <gtest/gtest.h>

namespace selvedge::api {
namespace {

wire::Transcript transcript_of(std::vector<wire::SpokenSegment> segments) {
  wire::Transcript transcript;
  transcript.segments = std::move(segments);
  return transcript;
}

TEST(Subtitles, TimesHaveHoursWhereThereAreAny) {
  const auto transcript = transcript_of({{0, 1.5, " Hello."}, {59.9996, 3'661.25, " There."}});
  EXPECT_EQ(transcript_vtt(transcript),
            "WEBVTT\n\n00:00.000 --> 00:01.500\nHello.\n\n01:00.000 --> 01:01:01.250\nThere.\n\n");
  EXPECT_EQ(transcript_srt(transcript),
            "1\n00:00:00,000 --> 00:00:01,500\nHello.\n\n2\n00:01:00,000 --> "
            "01:01:01,250\nThere.\n\n");
  EXPECT_EQ(transcript_text(transcript), "Hello. There.");
}

TEST(Subtitles, ATextCannotEndItsCue) {
  const auto transcript = transcript_of({{0, 1, " a\n\n00:00.000 --> 00:09.000\nb"}});
  EXPECT_EQ(transcript_vtt(transcript),
            "WEBVTT\n\n00:00.000 --> 00:01.000\na  00:00.000 -> 00:09.000 b\n\n");
}

TEST(Subtitles, OfNoSpeechTheyAreEmpty) {
  EXPECT_EQ(transcript_vtt({}), "WEBVTT\n\n");
  EXPECT_EQ(transcript_srt({}), "");
  EXPECT_EQ(transcript_text({}), "");
  EXPECT_TRUE(transcript_words({}).empty());
}

TEST(Subtitles, ASegmentWithoutWordsHasThoseOfItsText) {
  const auto words = transcript_words(transcript_of({{1, 2, " ask  not "}}));
  ASSERT_EQ(words.size(), 2u);
  EXPECT_EQ(words[1].text, "not");
  EXPECT_EQ(words[1].start_s, 1);
}

}  // namespace
}  // namespace selvedge::api
