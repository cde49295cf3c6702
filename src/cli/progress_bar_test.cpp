// Tests of the progress bar and of tables.
#include "cli/progress_bar.h"

#include <gtest/gtest.h>

#include "cli/table.h"

namespace selvedge::cli {
namespace {

TEST(ProgressText, TellsShareSpeedAndTimeLeft) {
  EXPECT_EQ(progress_text(1'000'000'000, 4'000'000'000, 0, 10),
            "1 GB of 4 GB, 25 %, 100 MB/s, 30 s left");
  EXPECT_EQ(progress_text(2'000'000, 0, 0, 2), "2 MB, 1 MB/s");
  EXPECT_EQ(progress_text(0, 100, 0, 5), "0 B of 100 B, 0 %");
}

TEST(ProgressText, WhatWasThereBeforeDoesNotCountAsSpeed) {
  EXPECT_EQ(progress_text(3'000'000, 4'000'000, 2'000'000, 1),
            "3 MB of 4 MB, 75 %, 1 MB/s, 1 s left");
}

TEST(ProgressText, CountsInAUnitInsteadOfBytes) {
  EXPECT_EQ(progress_text(2'500, 10'000, 500, 2, "vectors"),
            "2500 of 10000 vectors, 25 %, 1000/s, 8 s left");
  EXPECT_EQ(progress_text(2'500, 0, 0, 1, "vectors"), "2500 vectors, 2500/s");
}

TEST(ProgressBar, PrintsNothingWhenQuietOrQuick) {
  testing::internal::CaptureStderr();
  {
    ProgressBar quiet("x", true);
    quiet.update(1, 2, "fetching");
    ProgressBar quick("x", false);
    quick.update(1, 2, "fetching");
    quick.update(2, 2, "fetching");
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Table, AlignsColumnsWithWideCharacters) {
  Table table({"NAME", "SIZE"});
  EXPECT_TRUE(table.empty());
  table.add({"模型", "1 MB"});
  table.add({"a", ""});
  EXPECT_EQ(table.text(), "NAME  SIZE\n模型  1 MB\na\n");
}

}  // namespace
}  // namespace selvedge::cli
