// Quantizer: vectors as 4-bit codes along the directions in which an index's own vectors differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ann/aligned_vector.h"
#include "ann/kernels.h"

namespace selvedge::ann {

// What scores mean. `distance`: -|q - x|² / 2, up to a number that is the same for all x;
// `product`: q·x likewise. Cosine is the distance of vectors of length 1.
enum class Space : std::uint8_t { distance, product };

// A vector x is moved by the mean (of the distance space) and projected onto the widest directions:
// the very widest in a record's head, then as many as hold most of the variance in its rest. Both
// are turned at random within themselves, so that their coordinates are alike. Each coordinate
// becomes 4 bits, head and rest with a step of the vector's own; the factors correct the lengths so
// that products with the codes are right on average (the estimator of RaBitQ), `bias` is
// |x - mean|² / 2.
// Immutable; thread-safe.
class Quantizer {
 public:
  // `train` is the way to one.
  Quantizer() = default;

  static constexpr std::size_t kHeadCoordinates = kBlockCoordinates - 2 * kTrailerBytes;

  // What a query's making needs; reused from query to query. Not thread-safe.
  struct Scratch {
    AlignedVector<std::uint8_t> bytes;
    AlignedVector<std::int32_t> dots;
    AlignedVector<float> coordinates;
    AlignedVector<std::int8_t> values;
  };

  // `sample` is [count x dimensions] row-major, finite, at least one row. `energy` is the share of
  // the variance to keep, 0…1. Takes about dimensions³ operations.
  static std::shared_ptr<const Quantizer> train(Space space, std::size_t dimensions,
                                                std::span<const float> sample, double energy);

  Space space() const { return space_; }
  std::size_t dimensions() const { return dimensions_; }
  std::size_t blocks() const { return blocks_; }
  std::size_t rest_bytes() const { return (blocks_ - 1) * kBlockBytes; }
  std::size_t coordinates() const { return coordinates_; }
  // Of the product space: no longer vector was in the sample, squared.
  float squares_most() const { return squares_most_; }
  // Of the sample: which share of its energy the codes do not see.
  double lost_share() const { return lost_share_; }

  // `values` is [dimensions]; `head` [kBlockBytes], `rest` [rest_bytes]. What `scratch` holds then
  // is for `coordinate_query`. Returns the share of the vector's energy that the codes do not see.
  double encode(std::span<const float> values, Scratch& scratch, std::uint8_t* head,
                std::uint8_t* rest) const;

  // The same, but projects with 8 bits, as `query` does: ten times as fast, and nearly the same
  // code. What `scratch` holds then is of no use.
  void encode_quickly(std::span<const float> values, Scratch& scratch, std::uint8_t* head,
                      std::uint8_t* rest) const;

  // The query that `encode` was last called for: exact coordinates. Valid until `scratch` changes.
  // Always scores by distance.
  CodeQuery coordinate_query(Scratch& scratch) const;

  // Projects with 8 bits, ten times as fast. `values` is [dimensions]. Valid until `scratch`
  // changes.
  CodeQuery query(std::span<const float> values, Scratch& scratch) const;

  // Where coordinate `at` lies among a query's values: not in the places of the trailer.
  static std::size_t position(std::size_t at) {
    constexpr std::size_t kHalf = kBlockBytes - kTrailerBytes;
    if (at >= kHeadCoordinates) return at + 2 * kTrailerBytes;
    return at < kHalf ? at : at + kTrailerBytes;
  }

 private:
  friend class QuantizerBytes;
  // Into scratch.coordinates; the moved vector lies behind them.
  void project_quickly(std::span<const float> values, Scratch& scratch) const;
  double write_code(Scratch& scratch, float squares, std::uint8_t* head, std::uint8_t* rest) const;
  CodeQuery finish(Scratch& scratch, float weight) const;
  float* moved_in(AlignedVector<float>& coordinates) const;
  void compress_projection();

  Space space_ = Space::distance;
  std::size_t dimensions_ = 0;
  std::size_t padded_ = 0;        // dimensions, as whole cache lines of float32.
  std::size_t padded_bytes_ = 0;  // The same of bytes.
  std::size_t blocks_ = 0;
  std::size_t coordinates_ = 0;
  double lost_share_ = 0;
  float squares_most_ = 0;
  float rest_length_ = 0;            // Of a vector's rest, on average.
  AlignedVector<float> mean_;        // [padded]
  AlignedVector<float> projection_;  // [coordinates x padded]
  // The projection in 8 bits: row i is projection8_ * steps_[i].
  AlignedVector<std::int8_t> projection8_;  // [coordinates x padded_bytes]
  std::vector<float> steps_;
  std::vector<std::int32_t> row_sums_;
};

}  // namespace selvedge::ann
