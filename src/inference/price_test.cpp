// Tests of prices: those of the table, by hand.
#include "inference/price.h"

#include <gtest/gtest.h>

namespace selvedge::inference {
namespace {

wire::Picture sized(std::int32_t width, std::int32_t height) {
  wire::Picture picture;
  picture.width = width;
  picture.height = height;
  return picture;
}

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
  EXPECT_DOUBLE_EQ(neurons_of_picture(flux, sized(1'024, 1'024), 4), 172.8);
  EXPECT_DOUBLE_EQ(neurons_of_picture(flux, sized(513, 512), 1), 2 * (9.6 + 4.8));
  EXPECT_DOUBLE_EQ(neurons_of_picture(flux, sized(513, 100), 1), 2 * (9.6 + 4.8));
  catalog::ModelEntry klein;
  klein.prices.units = {{"first_megapixel", 1'000}, {"per_next_megapixel", 100}};
  EXPECT_DOUBLE_EQ(neurons_of_picture(klein, sized(1'024, 1'024), 4), 1'000);
  EXPECT_DOUBLE_EQ(neurons_of_picture(klein, sized(1'024, 1'040), 4), 1'100);
  EXPECT_DOUBLE_EQ(neurons_of_picture(klein, sized(512, 512), 4), 1'000);
  EXPECT_EQ(neurons_of_picture(catalog::ModelEntry(), sized(512, 512), 4), 0);
}

TEST(Price, PicturesThatAreTakenUpCostTheirOwn) {
  wire::Picture picture = sized(512, 512);
  picture.reference_sides = {512, 1'024, 100, 100};
  catalog::ModelEntry dev;
  dev.prices.units = {{"per_input_512_tile_step", 2}, {"per_output_512_tile_step", 10}};
  EXPECT_DOUBLE_EQ(neurons_of_picture(dev, picture, 4), 4 * (10 + 3 * 2));
  catalog::ModelEntry klein;
  klein.prices.units = {{"per_input_512_tile", 2}, {"per_output_512_tile", 10}};
  EXPECT_DOUBLE_EQ(neurons_of_picture(klein, picture, 4), 10 + 3 * 2);
  catalog::ModelEntry larger;
  larger.prices.units = {{"first_megapixel", 1'000}, {"per_input_megapixel", 100}};
  EXPECT_DOUBLE_EQ(neurons_of_picture(larger, picture, 4), 1'200);
}

}  // namespace
}  // namespace selvedge::inference
