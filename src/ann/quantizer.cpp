// Quantizer: training once, then one product of a matrix and a vector each.
#include "ann/quantizer.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <Eigen/Dense>

#include "ann/axes.h"
#include "ann/distance.h"
#include "ann/kernel_variants.h"
#include "ann/lanes.h"
#include "base/check.h"

namespace selvedge::ann {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// The step of 16 even levels that loses least of a normal distribution, in deviations.
// Source: Max, "Quantizing for minimum distortion", 1960, table II.
constexpr float kStep = 0.3352F;
constexpr float kMiddle = 7.5F;
constexpr int kBytesMiddle = 128;

Matrix random_rotation(std::size_t size) {
  std::mt19937 random(20'240'607);  // The same for everybody: codes are reproducible.
  std::normal_distribution<float> normal;
  const auto side = static_cast<Eigen::Index>(size);
  const Matrix noise = Matrix::NullaryExpr(side, side, [&]() { return normal(random); });
  const Eigen::HouseholderQR<Matrix> decomposed(noise);
  return decomposed.householderQ();
}

// The first `kept` axes, head and rest each turned within themselves and spread over all their
// coordinates, also those beyond the dimensions.
Matrix turn(const Axes& axes, std::size_t dimensions, std::size_t kept, std::size_t coordinates) {
  const auto columns = static_cast<Eigen::Index>(dimensions);
  const Eigen::Map<const Matrix> widest(axes.rows.data(), static_cast<Eigen::Index>(kept), columns);
  Matrix turned = Matrix::Zero(static_cast<Eigen::Index>(coordinates), columns);
  const std::size_t head = Quantizer::kHeadCoordinates;
  const auto in_head = static_cast<Eigen::Index>(std::min(kept, head));
  turned.topRows(static_cast<Eigen::Index>(head)) =
      random_rotation(head).leftCols(in_head) * widest.topRows(in_head);
  if (coordinates > head && kept > head) {
    const auto in_rest = static_cast<Eigen::Index>(kept - head);
    turned.bottomRows(static_cast<Eigen::Index>(coordinates - head)) =
        random_rotation(coordinates - head).leftCols(in_rest) * widest.bottomRows(in_rest);
  }
  return turned;
}

std::size_t coordinates_of(std::size_t blocks) {
  return blocks * kBlockCoordinates - 2 * kTrailerBytes;
}

// The least number of blocks that hold `energy` of the variance.
std::size_t blocks_for(std::span<const float> energies, double energy) {
  double total = 0;
  for (const float each : energies) total += each;
  double held = 0;
  std::size_t at = 0;
  for (std::size_t blocks = 1;; ++blocks) {
    for (; at < std::min(coordinates_of(blocks), energies.size()); ++at) held += energies[at];
    // Less than a block's trailer is not worth another block.
    if (held >= energy * total || at + 2 * kTrailerBytes >= energies.size()) return blocks;
  }
}

struct Part {
  float squares = 0;
  float factor = 0;
};

// Writes the codes of these coordinates, those of a head or of a rest.
Part encode_part(std::span<const float> coordinates, bool head, std::uint8_t* code) {
  Part part;
  if (coordinates.empty()) return part;
  for (const float each : coordinates) part.squares += each * each;
  const float step = std::sqrt(part.squares / static_cast<float>(coordinates.size())) * kStep;
  const float scale = step > 0 ? 1 / step : 0.0F;
  float product = 0;
  for (std::size_t at = 0; at < coordinates.size(); ++at) {
    const float level = std::clamp(std::floor(coordinates[at] * scale) + 8, 0.0F, 15.0F);
    product += coordinates[at] * (level - kMiddle);
    const std::size_t place = head ? Quantizer::position(at) : at;
    std::uint8_t& byte = code[place / kBlockCoordinates * kBlockBytes + place % kBlockBytes];
    const auto half = static_cast<unsigned>(level);
    const bool high = place % kBlockCoordinates >= kBlockBytes;
    byte = static_cast<std::uint8_t>(byte | (high ? half << 4 : half));
  }
  part.factor = product > 0 ? part.squares / product : 0.0F;
  return part;
}

// Of rows that the axes were not made of, which they hold less of.
double share_lost(const Matrix& turned, const Axes& axes, std::span<const float> rows) {
  constexpr Eigen::Index kRowsMax = 1'024;
  const auto columns = static_cast<Eigen::Index>(axes.mean.size());
  const auto count =
      std::min<Eigen::Index>(static_cast<Eigen::Index>(rows.size()) / columns, kRowsMax);
  const Eigen::Map<const Matrix> values(rows.data(), count, columns);
  const Eigen::Map<const Eigen::RowVectorXf> mean(axes.mean.data(), columns);
  const Matrix moved = values.rowwise() - mean;
  const double total = moved.squaredNorm();
  const double held = (moved * turned.transpose()).squaredNorm();
  return total > 0 ? std::max(0.0, 1 - held / total) : 0;
}

}  // namespace

std::shared_ptr<const Quantizer> Quantizer::train(Space space, std::size_t dimensions,
                                                  std::span<const float> sample, double energy) {
  auto made = std::make_shared<Quantizer>();
  made->space_ = space;
  made->dimensions_ = dimensions;
  made->padded_ = padded_dimensions(dimensions);
  made->padded_bytes_ = (dimensions + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
  const Axes axes = principal_axes(sample, dimensions, space == Space::distance);
  made->blocks_ = blocks_for(axes.energies, energy);
  made->coordinates_ = coordinates_of(made->blocks_);
  const std::size_t kept = std::min(made->coordinates_, axes.energies.size());
  double total = 0;
  double held = 0;
  for (std::size_t at = 0; at < axes.energies.size(); ++at) {
    total += axes.energies[at];
    if (at < kept) held += axes.energies[at];
  }
  made->lost_share_ = total > 0 ? 1 - held / total : 0;
  made->mean_.assign(made->padded_, 0.0F);
  std::copy(axes.mean.begin(), axes.mean.end(), made->mean_.begin());
  double rest = 0;
  for (std::size_t at = kHeadCoordinates; at < kept; ++at) rest += axes.energies[at];
  made->rest_length_ = static_cast<float>(std::sqrt(rest));
  const Matrix turned = turn(axes, dimensions, kept, made->coordinates_);
  made->projection_.assign(made->coordinates_ * made->padded_, 0.0F);
  for (std::size_t row = 0; row < made->coordinates_; ++row) {
    for (std::size_t column = 0; column < dimensions; ++column) {
      made->projection_[row * made->padded_ + column] =
          turned(static_cast<Eigen::Index>(row), static_cast<Eigen::Index>(column));
    }
  }
  const auto unseen = sample.subspan(std::min(axes.rows_used * dimensions, sample.size()));
  if (!unseen.empty()) made->lost_share_ = share_lost(turned, axes, unseen);
  made->compress_projection();
  for (std::size_t first = 0; first < sample.size(); first += dimensions) {
    float squares = 0;
    for (const float each : sample.subspan(first, dimensions)) squares += each * each;
    made->squares_most_ = std::max(made->squares_most_, squares);
  }
  return made;
}

void Quantizer::compress_projection() {
  projection8_.assign(coordinates_ * padded_bytes_, 0);
  steps_.resize(coordinates_);
  row_sums_.resize(coordinates_);
  for (std::size_t row = 0; row < coordinates_; ++row) {
    const float* from = projection_.data() + row * padded_;
    float largest = 0;
    for (std::size_t at = 0; at < dimensions_; ++at)
      largest = std::max(largest, std::abs(from[at]));
    steps_[row] = largest > 0 ? largest / 127 : 1;
    std::int32_t sum = 0;
    for (std::size_t at = 0; at < dimensions_; ++at) {
      const auto code = static_cast<std::int8_t>(std::lrint(from[at] / steps_[row]));
      projection8_[row * padded_bytes_ + at] = code;
      sum += code;
    }
    row_sums_[row] = sum;
  }
}

// Room for a moved vector behind the coordinates, on a cache line's start.
float* Quantizer::moved_in(AlignedVector<float>& coordinates) const {
  const std::size_t before = padded_dimensions(coordinates_);
  coordinates.resize(before + padded_);
  return coordinates.data() + before;
}

double Quantizer::encode(std::span<const float> values, Scratch& scratch, std::uint8_t* head,
                         std::uint8_t* rest) const {
  SEL_CHECK(values.size() == dimensions_);
  AlignedVector<float>& coordinates = scratch.coordinates;
  float* moved = moved_in(coordinates);
  float squares = 0;
  for (std::size_t at = 0; at < padded_; ++at) {
    moved[at] = at < dimensions_ ? values[at] - mean_[at] : 0.0F;
    squares += moved[at] * moved[at];
  }
  dot_rows(moved, {projection_.data(), padded_}, std::span(coordinates).first(coordinates_));
  return write_code(scratch, squares, head, rest);
}

void Quantizer::encode_quickly(std::span<const float> values, Scratch& scratch, std::uint8_t* head,
                               std::uint8_t* rest) const {
  SEL_CHECK(values.size() == dimensions_);
  project_quickly(values, scratch);
  const float* moved = moved_in(scratch.coordinates);
  write_code(scratch, squared_length<float>({moved, dimensions_}), head, rest);
}

// Of the coordinates in `scratch`, those of a moved vector of this squared length.
double Quantizer::write_code(Scratch& scratch, float squares, std::uint8_t* head,
                             std::uint8_t* rest) const {
  std::fill(head, head + kBlockBytes, std::uint8_t{0});
  std::fill(rest, rest + rest_bytes(), std::uint8_t{0});
  const std::span<const float> all = std::span(scratch.coordinates).first(coordinates_);
  const Part first = encode_part(all.first(kHeadCoordinates), true, head);
  const Part second = encode_part(all.subspan(kHeadCoordinates), false, rest);
  const Trailer end{first.factor, squares / 2, second.factor};
  std::memcpy(head + kTrailerPlace, &end, sizeof end);
  return squares > 0 ? 1 - static_cast<double>(first.squares + second.squares) / squares : 0;
}

CodeQuery Quantizer::coordinate_query(Scratch& scratch) const { return finish(scratch, 1); }

namespace {

// Brings values to 8 bits, around kBytesMiddle. A function, so that the compiler knows that storing
// bytes changes nothing else here.
void to_bytes(const float* values, std::size_t count, float scale, std::uint8_t* bytes) {
  for (std::size_t at = 0; at < count; ++at) {
    // Adding 128.5 and cutting rounds, as the sum is never negative.
    bytes[at] = static_cast<std::uint8_t>(static_cast<int>(values[at] * scale + 128.5F));
  }
}

}  // namespace

CodeQuery Quantizer::query(std::span<const float> values, Scratch& scratch) const {
  SEL_CHECK(values.size() == dimensions_);
  project_quickly(values, scratch);
  return finish(scratch, space_ == Space::distance ? 1.0F : 0.0F);
}

void Quantizer::project_quickly(std::span<const float> values, Scratch& scratch) const {
  scratch.bytes.resize(padded_bytes_);
  scratch.dots.resize(coordinates_);
  float* moved = moved_in(scratch.coordinates);
  for (std::size_t at = 0; at < dimensions_; ++at) moved[at] = values[at] - mean_[at];
  const float largest = largest_magnitude({moved, dimensions_});
  const float scale = largest > 0 ? 127 / largest : 0.0F;
  to_bytes(moved, dimensions_, scale, scratch.bytes.data());
  std::fill(scratch.bytes.begin() + static_cast<std::ptrdiff_t>(dimensions_), scratch.bytes.end(),
            std::uint8_t{0});
  kernels().dot(scratch.bytes.data(), projection8_.data(), padded_bytes_, padded_bytes_, nullptr,
                coordinates_, scratch.dots.data());
  const float back = largest / 127;
  for (std::size_t at = 0; at < coordinates_; ++at) {
    const auto dot = static_cast<float>(scratch.dots[at] - kBytesMiddle * row_sums_[at]);
    scratch.coordinates[at] = dot * steps_[at] * back;
  }
}

namespace {

struct Scaled {
  float scale = 0;
  float shift = 0;
  float length = 0;
};

// Brings coordinates to 8 bits, those of a head or of a rest.
Scaled scale_part(std::span<const float> coordinates, bool head, std::int8_t* values) {
  const float largest = largest_magnitude(coordinates);
  const float scale = largest > 0 ? 127 / largest : 0.0F;
  std::int32_t sum = 0;
  // Coordinates that follow each other lie so, but for the trailer in the middle of a head.
  const std::size_t run = head ? coordinates.size() / 2 : coordinates.size();
  for (std::size_t first = 0; first < coordinates.size(); first += run) {
    const float* from = coordinates.data() + first;
    std::int8_t* to = values + (head ? Quantizer::position(first) : first);
    for (std::size_t at = 0; at < run; ++at) {
      // Adding 128.5 and cutting rounds, as the sum is never negative.
      const int code = static_cast<int>(from[at] * scale + 128.5F) - kBytesMiddle;
      to[at] = static_cast<std::int8_t>(code);
      sum += code;
    }
  }
  Scaled scaled;
  scaled.scale = largest / 127;
  scaled.shift = scaled.scale * kMiddle * static_cast<float>(sum);
  scaled.length = std::sqrt(squared_length<float>(coordinates));
  return scaled;
}

}  // namespace

CodeQuery Quantizer::finish(Scratch& scratch, float weight) const {
  scratch.values.assign(blocks_ * kBlockCoordinates, 0);
  const std::span<const float> all = std::span(scratch.coordinates).first(coordinates_);
  const Scaled head = scale_part(all.first(kHeadCoordinates), true, scratch.values.data());
  const Scaled rest =
      scale_part(all.subspan(kHeadCoordinates), false, scratch.values.data() + kBlockCoordinates);
  CodeQuery query;
  query.values = scratch.values.data();
  query.blocks = blocks_;
  query.scale = head.scale;
  query.shift = head.shift;
  query.rest_scale = rest.scale;
  query.rest_shift = rest.shift;
  query.weight = weight;
  query.rest_spread = rest.length * rest_length_;
  return query;
}

}  // namespace selvedge::ann
