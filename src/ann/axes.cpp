// Axes: eigenvectors of the covariance.
#include "ann/axes.h"

#include <algorithm>

#include <Eigen/Dense>

#include "base/check.h"

namespace selvedge::ann {

Axes principal_axes(std::span<const float> sample, std::size_t dimensions, bool centred) {
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto columns = static_cast<Eigen::Index>(dimensions);
  const auto count = static_cast<Eigen::Index>(sample.size() / dimensions);
  SEL_CHECK(count > 0);
  const Eigen::Map<const Matrix> values(sample.data(), count, columns);
  Eigen::RowVectorXf mean = Eigen::RowVectorXf::Zero(columns);
  if (centred) mean = values.colwise().mean();
  const Matrix moved = values.rowwise() - mean;
  Eigen::MatrixXf covariance = Eigen::MatrixXf::Zero(columns, columns);
  covariance.selfadjointView<Eigen::Lower>().rankUpdate(moved.transpose(),
                                                        1.0F / static_cast<float>(count));
  // Only the lower triangle is read.
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXf> solved(covariance);
  SEL_CHECK(solved.info() == Eigen::Success);
  Axes axes;
  axes.mean.assign(mean.data(), mean.data() + columns);
  axes.energies.resize(dimensions);
  axes.rows.resize(dimensions * dimensions);
  for (std::size_t at = 0; at < dimensions; ++at) {  // Eigen gives the smallest first.
    const auto from = static_cast<Eigen::Index>(dimensions - 1 - at);
    axes.energies[at] = std::max(solved.eigenvalues()[from], 0.0F);
    for (std::size_t column = 0; column < dimensions; ++column) {
      axes.rows[at * dimensions + column] =
          solved.eigenvectors()(static_cast<Eigen::Index>(column), from);
    }
  }
  return axes;
}

}  // namespace selvedge::ann
