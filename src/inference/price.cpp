// Price: units times prices.
#include "inference/price.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace selvedge::inference {
namespace {

constexpr double kMillion = 1e6;

double price_of(const catalog::ModelEntry& entry, std::string_view unit) {
  for (const catalog::UnitPrice& price : entry.prices.units) {
    if (price.unit == unit) return price.neurons;
  }
  return 0;
}

std::int32_t tiles(std::int32_t pixels) {
  constexpr std::int32_t kTile = 512;
  return (std::max(pixels, 1) + kTile - 1) / kTile;
}

// Source: https://developers.cloudflare.com/workers-ai/platform/pricing/ ("first MP (1024x1024)").
double megapixels(std::int32_t width, std::int32_t height) {
  constexpr double kPixels = 1024 * 1024;
  return std::ceil(static_cast<double>(width) * height / kPixels);
}

}  // namespace

double neurons_of(const catalog::ModelEntry& entry, const Usage& usage) {
  const catalog::Prices& prices = entry.prices;
  // A call is about one picture, however many tokens the model that stands in has made of it.
  if (entry.task == catalog::Task::image_classification) {
    return price_of(entry, "per_m_images") / kMillion;
  }
  const bool cheaper = prices.per_m_cached_input_tokens > 0;
  const auto cached = static_cast<double>(cheaper ? usage.cached_tokens : 0);
  const double read = static_cast<double>(usage.prompt_tokens) - cached;
  const double neurons = read * prices.per_m_input_tokens +
                         cached * prices.per_m_cached_input_tokens +
                         usage.completion_tokens * prices.per_m_output_tokens;
  return neurons / kMillion;
}

double neurons_of_audio(const catalog::ModelEntry& entry, double seconds) {
  return seconds / 60 * entry.prices.per_audio_minute;
}

double neurons_of_picture(const catalog::ModelEntry& entry, const wire::Picture& picture,
                          std::int32_t steps) {
  const double per_tile = price_of(entry, "per_512_tile") + price_of(entry, "per_output_512_tile");
  const double per_step = price_of(entry, "per_step") + price_of(entry, "per_output_512_tile_step");
  const double per_input =
      price_of(entry, "per_input_512_tile") + price_of(entry, "per_input_512_tile_step") * steps;
  double neurons = tiles(picture.width) * tiles(picture.height) * (per_tile + per_step * steps) +
                   price_of(entry, "first_megapixel") +
                   price_of(entry, "per_next_megapixel") *
                       std::max(0.0, megapixels(picture.width, picture.height) - 1);
  const std::vector<std::int32_t>& sides = picture.reference_sides;
  for (std::size_t at = 0; at + 1 < sides.size(); at += 2) {
    neurons += tiles(sides[at]) * tiles(sides[at + 1]) * per_input +
               megapixels(sides[at], sides[at + 1]) * price_of(entry, "per_input_megapixel");
  }
  return neurons;
}

}  // namespace selvedge::inference
