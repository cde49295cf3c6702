// Axes: the directions along which a set of vectors varies most.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace selvedge::ann {

struct Axes {
  std::vector<float> mean;  // [dimensions]
  std::vector<float> rows;  // [dimensions x dimensions], orthonormal, the widest direction first.
  std::vector<float> energies;  // [dimensions]: the variance along each, largest first.
};

// Of `sample`, [count x dimensions] row-major, at least one row. Where it is not to be `centred`,
// the mean is zero and energies are mean squares. Takes about dimensions³ operations.
Axes principal_axes(std::span<const float> sample, std::size_t dimensions, bool centred);

}  // namespace selvedge::ann
