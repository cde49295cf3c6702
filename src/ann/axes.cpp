// Axes: eigenvectors of the covariance.
#include "ann/axes.h"

#include <algorithm>

#include <Eigen/Dense>

#include "base/check.h"

namespace selvedge::ann {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr std::size_t kSolvedMost = 1'024;
// Directions of less than this share of the widest one's variance are rounding.
constexpr float kLeastShare = 1e-6F;

// Eigenvectors of the covariance; `moved` is [rows x dimensions].
void solve_covariance(const Matrix& moved, Axes& axes) {
  const Eigen::Index dimensions = moved.cols();
  Eigen::MatrixXf covariance = Eigen::MatrixXf::Zero(dimensions, dimensions);
  covariance.selfadjointView<Eigen::Lower>().rankUpdate(moved.transpose(),
                                                        1.0F / static_cast<float>(moved.rows()));
  // Only the lower triangle is read.
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXf> solved(covariance);
  SEL_CHECK(solved.info() == Eigen::Success);
  axes.energies.resize(static_cast<std::size_t>(dimensions));
  axes.rows.resize(axes.energies.size() * axes.energies.size());
  Eigen::Map<Matrix> rows(axes.rows.data(), dimensions, dimensions);
  for (Eigen::Index at = 0; at < dimensions; ++at) {  // Eigen gives the smallest first.
    const Eigen::Index from = dimensions - 1 - at;
    axes.energies[static_cast<std::size_t>(at)] = std::max(solved.eigenvalues()[from], 0.0F);
    rows.row(at) = solved.eigenvectors().col(from).transpose();
  }
}

// The same from the products of few rows with each other: they span no other directions.
void solve_products(const Matrix& moved, Axes& axes) {
  const auto count = static_cast<float>(moved.rows());
  Eigen::MatrixXf products = Eigen::MatrixXf::Zero(moved.rows(), moved.rows());
  products.selfadjointView<Eigen::Lower>().rankUpdate(moved, 1.0F / count);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXf> solved(products);
  SEL_CHECK(solved.info() == Eigen::Success);
  const float widest = solved.eigenvalues()[moved.rows() - 1];
  Eigen::Index kept = 0;
  while (kept < moved.rows() &&
         solved.eigenvalues()[moved.rows() - 1 - kept] > kLeastShare * widest) {
    ++kept;
  }
  kept = std::max<Eigen::Index>(kept, 1);
  axes.energies.resize(static_cast<std::size_t>(kept));
  axes.rows.resize(axes.energies.size() * static_cast<std::size_t>(moved.cols()));
  Eigen::Map<Matrix> rows(axes.rows.data(), kept, moved.cols());
  rows = solved.eigenvectors().rightCols(kept).rowwise().reverse().transpose() * moved;
  for (Eigen::Index at = 0; at < kept; ++at) {
    axes.energies[static_cast<std::size_t>(at)] =
        std::max(solved.eigenvalues()[moved.rows() - 1 - at], 0.0F);
    const float length = rows.row(at).norm();
    if (length > 0) rows.row(at) /= length;
  }
}

}  // namespace

Axes principal_axes(std::span<const float> sample, std::size_t dimensions, bool centred) {
  const auto columns = static_cast<Eigen::Index>(dimensions);
  auto count = static_cast<Eigen::Index>(sample.size() / dimensions);
  SEL_CHECK(count > 0);
  const bool large = dimensions > kSolvedMost;
  if (large) count = std::min<Eigen::Index>(count, kSolvedMost);
  const Eigen::Map<const Matrix> values(sample.data(), count, columns);
  Eigen::RowVectorXf mean = Eigen::RowVectorXf::Zero(columns);
  if (centred) mean = values.colwise().mean();
  const Matrix moved = values.rowwise() - mean;
  Axes axes;
  axes.rows_used = static_cast<std::size_t>(count);
  axes.mean.assign(mean.data(), mean.data() + columns);
  large ? solve_products(moved, axes) : solve_covariance(moved, axes);
  return axes;
}

}  // namespace selvedge::ann
