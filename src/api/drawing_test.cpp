// Tests of pictures: fields, prices, what weights want, files.
#include "api/drawing.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/picture_file.h"

namespace selvedge::api {
namespace {

using nlohmann::json;

catalog::ModelEntry entry_of(std::string id) {
  catalog::ModelEntry entry;
  entry.id = std::move(id);
  entry.task = catalog::Task::text_to_image;
  return entry;
}

const catalog::ModelEntry kXl = entry_of("@cf/stabilityai/stable-diffusion-xl-base-1.0");
const catalog::ModelEntry kFlux = entry_of("@cf/black-forest-labs/flux-1-schnell");

std::string refusal(const json& input) {
  const auto call = parse_draw(input, kXl);
  EXPECT_FALSE(call.ok());
  if (call.ok()) return {};
  EXPECT_EQ(call.error().code, Code::invalid_input);
  return call.error().message;
}

TEST(Drawing, DefaultsAreThoseOfTheSchemas) {
  const auto xl = parse_draw({{"prompt", "a"}}, kXl);
  ASSERT_TRUE(xl.ok());
  EXPECT_EQ(xl->task.request.steps, 20);
  EXPECT_EQ(xl->task.request.guidance, 7.5);
  EXPECT_EQ(xl->task.request.strength, 1.0);
  EXPECT_EQ(xl->task.request.width, 0);
  EXPECT_FALSE(xl->task.request.has_seed);
  EXPECT_EQ(xl->form, DrawingForm::png);
  const auto flux = parse_draw({{"prompt", "a"}}, kFlux);
  ASSERT_TRUE(flux.ok());
  EXPECT_EQ(flux->task.request.steps, 4);
  EXPECT_EQ(flux->form, DrawingForm::base64_jpeg);
}

TEST(Drawing, BytesMayBeAListOrBase64) {
  const auto list = parse_draw({{"prompt", "a"}, {"image", {104, 105}}}, kXl);
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list->task.request.image, "hi");
  const auto text = parse_draw({{"prompt", "a"}, {"image_b64", "aGk="}}, kXl);
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(text->task.request.image, "hi");
}

TEST(Drawing, WhatIsOutOfRangeIsRefusedByItsName) {
  EXPECT_EQ(refusal({{"prompt", "a"}, {"num_steps", 51}}), "'/num_steps' must be <= 50");
  EXPECT_EQ(refusal({{"prompt", "a"}, {"strength", -0.1}}), "'/strength' must be >= 0");
  EXPECT_EQ(refusal({{"prompt", "a"}, {"image", {1.5}}}),
            "'/image/0' must be a whole number from 0 to 255");
  EXPECT_EQ(refusal({{"prompt", "a"}, {"mask", {1}}}), "'/mask' needs an '/image' that it covers");
}

TEST(Drawing, SeedsBelowZeroMeanAnyAndLargeOnesStayWhole) {
  const auto any = parse_draw({{"prompt", "a"}, {"seed", -1}}, kXl);
  ASSERT_TRUE(any.ok());
  EXPECT_FALSE(any->task.request.has_seed);
  const auto large = parse_draw({{"prompt", "a"}, {"seed", 9'007'199'254'740'993u}}, kXl);
  ASSERT_TRUE(large.ok());
  EXPECT_EQ(large->task.request.seed, 9'007'199'254'740'993u);
  const auto largest = parse_draw({{"prompt", "a"}, {"seed", UINT64_MAX}}, kXl);
  ASSERT_TRUE(largest.ok());
  EXPECT_TRUE(largest->task.request.has_seed);
  EXPECT_LT(largest->task.request.seed, std::uint64_t{1} << 63);
}

TEST(Drawing, TheWeightsHabitsCountWhereTheRequestSaysNothing) {
  const catalog::DrawingHabits habits{4, 1, "euler", "sgm_uniform"};
  auto silent = parse_draw({{"prompt", "a"}}, kXl);
  ASSERT_TRUE(silent.ok());
  use_habits(*silent, habits);
  EXPECT_EQ(silent->task.request.steps, 4);
  EXPECT_EQ(silent->task.request.guidance, 1);
  EXPECT_EQ(silent->task.request.scheduler, "sgm_uniform");
  auto told = parse_draw({{"prompt", "a"}, {"num_steps", 8}, {"guidance", 2}}, kXl);
  ASSERT_TRUE(told.ok());
  use_habits(*told, habits);
  EXPECT_EQ(told->task.request.steps, 8);
  EXPECT_EQ(told->task.request.guidance, 2);
  EXPECT_EQ(told->task.request.sampler, "euler");
}

TEST(PictureFile, SamePixelsAreTheSameFileAndWrongSizesAreNoFile) {
  wire::Picture picture{1, 2, 2, std::string(12, '\x40'), 0, {}};
  const auto png = png_file(picture);
  ASSERT_TRUE(png.ok()) << png.error().message;
  EXPECT_EQ(png->substr(0, 4), "\x89PNG");
  EXPECT_EQ(png_file(picture).value(), *png);
  const auto jpeg = jpeg_file(picture);
  ASSERT_TRUE(jpeg.ok()) << jpeg.error().message;
  EXPECT_EQ(jpeg->substr(0, 2), "\xff\xd8");
  picture.pixels.pop_back();
  EXPECT_EQ(png_file(picture).error().code, Code::internal);
  EXPECT_EQ(jpeg_file(picture).error().code, Code::internal);
}

}  // namespace
}  // namespace selvedge::api
