// Tests of completion text: no half characters, nothing of a stop string.
#include "engines/completion_text.h"

#include <gtest/gtest.h>

namespace selvedge::engines {
namespace {

TEST(CompletionText, PassesPlainTextAtOnce) {
  CompletionText text({});
  EXPECT_EQ(text.add("Hello"), "Hello");
  EXPECT_EQ(text.add(" world"), " world");
  EXPECT_EQ(text.finish(), "");
}

TEST(CompletionText, HoldsBackHalfACharacter) {
  CompletionText text({});
  EXPECT_EQ(text.add("a\xE6\xBC"), "a");
  EXPECT_EQ(text.add("\xA2"
                     "b"),
            "漢b");
}

TEST(CompletionText, HalfACharacterAtTheEndIsRepaired) {
  CompletionText text({});
  EXPECT_EQ(text.add("a\xE6\xBC"), "a");
  EXPECT_EQ(text.finish(), "\xEF\xBF\xBD");
}

TEST(CompletionText, IllFormedBytesNeverComeOut) {
  CompletionText text({});
  EXPECT_EQ(text.add("\xFF"
                     "x"),
            "\xEF\xBF\xBDx");
}

TEST(CompletionText, EndsBeforeAStopStringThatCameInPieces) {
  CompletionText text({"END"});
  EXPECT_EQ(text.add("one E"), "one ");
  EXPECT_FALSE(text.stopped());
  EXPECT_EQ(text.add("N"), "");
  EXPECT_EQ(text.add("D two"), "");
  EXPECT_TRUE(text.stopped());
  EXPECT_EQ(text.add("three"), "");
  EXPECT_EQ(text.finish(), "");
}

TEST(CompletionText, GivesBackWhatOnlyLookedLikeAStopString) {
  CompletionText text({"\n\nQ:"});
  EXPECT_EQ(text.add("A\n\n"), "A");
  EXPECT_EQ(text.add("B"), "\n\nB");
}

TEST(CompletionText, TheEarliestOfSeveralStopStringsWins) {
  CompletionText text({"zwei", "eins"});
  EXPECT_EQ(text.add("x eins zwei"), "x ");
  EXPECT_TRUE(text.stopped());
}

TEST(CompletionText, AStopStringBegunAtTheEndIsText) {
  CompletionText text({"STOP"});
  EXPECT_EQ(text.add("go ST"), "go ");
  EXPECT_EQ(text.finish(), "ST");
}

TEST(CompletionText, CountsTheBytesThatCameOutAsTheyWere) {
  CompletionText text({"END"});
  EXPECT_EQ(text.add("\xFF"
                     "a E"),
            "\xEF\xBF\xBD"
            "a ");
  EXPECT_EQ(text.sent_bytes(), 3u);
  text.add("ND");
  EXPECT_EQ(text.sent_bytes(), 3u);
}

TEST(CompletionText, EmptyStopStringsAreIgnored) {
  CompletionText text({""});
  EXPECT_EQ(text.add("abc"), "abc");
  EXPECT_FALSE(text.stopped());
}

TEST(CompletionText, AStopStringOfSeveralByteCharactersIsFound) {
  CompletionText text({"。"});
  EXPECT_EQ(text.add("完\xE3\x80"), "完");
  EXPECT_EQ(text.add("\x82後"), "");
  EXPECT_TRUE(text.stopped());
}

}  // namespace
}  // namespace selvedge::engines
