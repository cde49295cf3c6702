// Axes: the directions along which a set of vectors varies most.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace selvedge::ann {

struct Axes {
  std::vector<float> mean;      // [dimensions]
  std::vector<float> rows;      // [count x dimensions], orthonormal, the widest direction first.
  std::vector<float> energies;  // [count]: the variance along each, largest first.
  std::size_t rows_used = 0;    // Of the sample, from its beginning.
};

// Of `sample`, [count x dimensions] row-major, at least one row. Where it is not to be `centred`,
// the mean is zero and energies are mean squares. There are as many as dimensions; of more than
// 1,024 dimensions as many as the first 1,024 rows can tell, which keeps it to a few seconds.
Axes principal_axes(std::span<const float> sample, std::size_t dimensions, bool centred);

}  // namespace selvedge::ann
