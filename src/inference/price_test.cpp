// Tests of prices: those of the table, by hand.
#include "inference/price.h"

#include <gtest/gtest.h>

namespace selvedge::inference {
namespace {

TEST(Price, CachedTokensCostTheirOwnPriceWhereOneIsPublished) {
  catalog::ModelEntry entry;
  entry.prices.per_m_input_tokens = 1'000;
  entry.prices.per_m_output_tokens = 4'000;
  EXPECT_DOUBLE_EQ(neurons_of(entry, {500, 400, 250}), 1.5);
  entry.prices.per_m_cached_input_tokens = 100;
  EXPECT_DOUBLE_EQ(neurons_of(entry, {500, 400, 250}), 0.1 + 0.04 + 1);
}

TEST(Price, AudioCostsByTheMinute) {
  catalog::ModelEntry whisper;
  whisper.prices.per_audio_minute = 41.14;
  EXPECT_DOUBLE_EQ(neurons_of_audio(whisper, 30), 20.57);
}

TEST(Price, PicturesCostByStepsAndBegunTiles) {
  catalog::ModelEntry flux;
  flux.prices.units = {{"per_step", 9.6}, {"per_512_tile", 4.8}};
  EXPECT_DOUBLE_EQ(neurons_of_picture(flux, 1'024, 1'024, 4), 172.8);
  EXPECT_DOUBLE_EQ(neurons_of_picture(flux, 513, 512, 1), 2 * (9.6 + 4.8));
  EXPECT_DOUBLE_EQ(neurons_of_picture(flux, 513, 100, 1), 2 * (9.6 + 4.8));
  catalog::ModelEntry klein;
  klein.prices.units = {{"first_megapixel", 1'000}, {"per_next_megapixel", 100}};
  EXPECT_DOUBLE_EQ(neurons_of_picture(klein, 1'024, 1'024, 4), 1'100);
  EXPECT_DOUBLE_EQ(neurons_of_picture(klein, 512, 512, 4), 1'000);
  EXPECT_EQ(neurons_of_picture(catalog::ModelEntry(), 512, 512, 4), 0);
}

}  // namespace
}  // namespace selvedge::inference
