// Quantizer bytes: a fixed head, then mean and projection without their padding.
#include "ann/quantizer_bytes.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>

#include "ann/distance.h"

namespace selvedge::ann {
namespace {

struct Head {
  std::uint32_t space = 0;
  std::uint32_t dimensions = 0;
  std::uint32_t blocks = 0;
  float squares_most = 0;
  float rest_length = 0;
  float zero = 0;
  double lost_share = 0;
};
static_assert(sizeof(Head) == 32);

// Beyond what training makes of vectors whose squared lengths are at most 1e24; what is made of
// larger numbers would leave float32.
constexpr float kLengthMost = 1e13F;
constexpr float kSquaresMost = 1e26F;
constexpr float kAxisMost = 2;  // Axes have length 1.

std::size_t coordinates_of(std::size_t blocks) {
  return blocks * kBlockCoordinates - 2 * kTrailerBytes;
}

bool within(std::span<const float> numbers, float most) {
  return std::all_of(numbers.begin(), numbers.end(),
                     [most](float each) { return std::abs(each) <= most; });
}

bool sound(const Head& head, Space space, std::size_t dimensions) {
  // Training makes no more blocks than hold all dimensions.
  const std::size_t blocks_most = (dimensions + 2 * kTrailerBytes) / kBlockCoordinates + 1;
  return head.space == static_cast<std::uint32_t>(space) && head.dimensions == dimensions &&
         head.blocks > 0 && head.blocks <= blocks_most && head.squares_most >= 0 &&
         head.squares_most <= kSquaresMost && head.rest_length >= 0 &&
         head.rest_length <= kLengthMost && std::isfinite(head.lost_share);
}

}  // namespace

std::string QuantizerBytes::write(const Quantizer& quantizer) {
  const Head head{static_cast<std::uint32_t>(quantizer.space_),
                  static_cast<std::uint32_t>(quantizer.dimensions_),
                  static_cast<std::uint32_t>(quantizer.blocks_),
                  quantizer.squares_most_,
                  quantizer.rest_length_,
                  0,
                  quantizer.lost_share_};
  std::string out(reinterpret_cast<const char*>(&head), sizeof head);
  const std::size_t row_bytes = quantizer.dimensions_ * sizeof(float);
  out.append(reinterpret_cast<const char*>(quantizer.mean_.data()), row_bytes);
  for (std::size_t row = 0; row < quantizer.coordinates_; ++row) {
    const float* from = quantizer.projection_.data() + row * quantizer.padded_;
    out.append(reinterpret_cast<const char*>(from), row_bytes);
  }
  return out;
}

std::shared_ptr<const Quantizer> QuantizerBytes::read(std::string_view bytes, Space space,
                                                      std::size_t dimensions) {
  Head head;
  if (bytes.size() < sizeof head) return nullptr;
  std::memcpy(&head, bytes.data(), sizeof head);
  bytes.remove_prefix(sizeof head);
  if (!sound(head, space, dimensions)) return nullptr;
  const std::size_t row_bytes = dimensions * sizeof(float);
  const std::size_t coordinates = coordinates_of(head.blocks);
  if (bytes.size() != (1 + coordinates) * row_bytes) return nullptr;
  auto made = std::make_shared<Quantizer>();
  made->space_ = space;
  made->dimensions_ = dimensions;
  made->padded_ = padded_dimensions(dimensions);
  made->padded_bytes_ = (dimensions + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
  made->blocks_ = head.blocks;
  made->coordinates_ = coordinates;
  made->lost_share_ = head.lost_share;
  made->squares_most_ = head.squares_most;
  made->rest_length_ = head.rest_length;
  made->mean_.assign(made->padded_, 0.0F);
  std::memcpy(made->mean_.data(), bytes.data(), row_bytes);
  made->projection_.assign(coordinates * made->padded_, 0.0F);
  for (std::size_t row = 0; row < coordinates; ++row) {
    std::memcpy(made->projection_.data() + row * made->padded_,
                bytes.data() + (1 + row) * row_bytes, row_bytes);
  }
  if (!within(made->mean_, kLengthMost) || !within(made->projection_, kAxisMost)) return nullptr;
  made->compress_projection();
  return made;
}

}  // namespace selvedge::ann
