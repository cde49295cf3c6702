// Near recall: what the settings of recall promise, and what queries then find that the index has
// not seen.
//
// usage: near_recall BASE.npy QUERIES.npy | gaussian ROWS DIMENSIONS | clusters ROWS DIMENSIONS
// (cosine; float32, or rows made at random)
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "npy_file.h"
#include "vectors/fixtures.h"
#include "vectors/rocks_store.h"

namespace {

using selvedge::bench::NpyFile;
namespace vectors = selvedge::vectors;

using Array = NpyFile<float>;

double cpu_s() {
  std::timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Data {
  Array base;
  Array queries;
};

// Alike in every direction: no two rows are near each other, which no graph likes.
Array gaussian(std::size_t rows, std::size_t dimensions, std::mt19937_64& random) {
  std::normal_distribution<float> normal;
  Array made{rows, dimensions, std::vector<float>(rows * dimensions)};
  for (float& value : made.values) value = normal(random);
  return made;
}

// Around 200 centres, wider in the first dimensions than in the last.
Array clusters(std::size_t rows, const Array& centres, std::mt19937_64& random) {
  const std::size_t dimensions = centres.columns;
  Array made = gaussian(rows, dimensions, random);
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t centre = random() % centres.rows;
    for (std::size_t at = 0; at < dimensions; ++at) {
      float& value = made.values[row * dimensions + at];
      value /= std::sqrt(1 + static_cast<float>(at) / 8);
      value += 0.7F * centres.values[centre * dimensions + at];
    }
  }
  return made;
}

std::optional<Data> data_of(int count, char** words) {
  constexpr std::size_t kQueries = 500;
  const std::string first = words[1];
  std::mt19937_64 random(1);
  if (count == 4 && (first == "gaussian" || first == "clusters")) {
    const std::size_t rows = std::stoul(words[2]);
    const std::size_t dimensions = std::stoul(words[3]);
    if (first == "gaussian") {
      return Data{gaussian(rows, dimensions, random), gaussian(kQueries, dimensions, random)};
    }
    const Array centres = gaussian(200, dimensions, random);
    return Data{clusters(rows, centres, random), clusters(kQueries, centres, random)};
  }
  auto base = count == 3 ? Array::read(first) : std::nullopt;
  auto queries = count == 3 ? Array::read(words[2]) : std::nullopt;
  if (!base || !queries) return std::nullopt;
  return Data{std::move(*base), std::move(*queries)};
}

void fill(vectors::Index& index, const Array& base) {
  constexpr std::size_t kAtOnce = 5'000;
  for (std::size_t first = 0; first < base.rows; first += kAtOnce) {
    const std::size_t end = std::min(base.rows, first + kAtOnce);
    vectors::VectorBatch batch;
    batch.dimensions = base.columns;
    for (std::size_t row = first; row < end; ++row) {
      batch.ids.push_back(std::to_string(row));
      batch.partitions.emplace_back();
      batch.metadata.emplace_back();
    }
    batch.values.assign(base.values.begin() + static_cast<std::ptrdiff_t>(first * base.columns),
                        base.values.begin() + static_cast<std::ptrdiff_t>(end * base.columns));
    if (!index.insert(batch).ok()) std::exit(1);
  }
  index.settle();
}

// Of the `top_k` nearest, by score: which of equally near ones are found is no matter.
void print_found(const vectors::Index& index, const Array& queries, std::size_t top_k,
                 const std::vector<std::vector<vectors::Match>>& truth) {
  for (const float recall : {0.9F, 0.95F, 0.99F}) {
    std::size_t found = 0;
    const double began = cpu_s();
    for (std::size_t at = 0; at < queries.rows; ++at) {
      const std::span<const float> query(queries.values.data() + at * queries.columns,
                                         queries.columns);
      const auto matches = index.query(query, {.top_k = top_k, .recall = recall});
      const float least = truth[at][top_k - 1].score;
      for (const auto& match : *matches) found += match.score >= least ? 1U : 0U;
    }
    const auto count = static_cast<double>(queries.rows);
    std::printf("top %4zu  asked %.2f  found %.4f  %.0f us\n", top_k, static_cast<double>(recall),
                static_cast<double>(found) / count / static_cast<double>(top_k),
                (cpu_s() - began) / count * 1e6);
    std::fflush(stdout);
  }
}

}  // namespace

int main(int count, char** words) {
  const auto data = count < 3 ? std::nullopt : data_of(count, words);
  if (!data) {
    std::fprintf(stderr,
                 "usage: near_recall BASE QUERIES | gaussian ROWS DIMENSIONS | clusters …\n");
    return 2;
  }
  const vectors::fixtures::TemporaryFolder folder;
  auto store = vectors::RocksStore::open(folder.path(), {});
  if (!store.ok()) return 1;
  const auto dimensions = static_cast<std::uint32_t>(data->base.columns);
  if (!(*store)->create("a", "docs", "", {dimensions, vectors::Metric::cosine, ""}).ok()) return 1;
  const auto index = (*store)->find("a", "docs").value();
  fill(*index, data->base);
  for (const auto& each : index->calibration()) {
    std::printf("width %4zu  recall %.4f  %.0f us\n", each.width, static_cast<double>(each.recall),
                static_cast<double>(each.us));
  }
  constexpr std::size_t kMost = 1'000;
  std::vector<std::vector<vectors::Match>> truth;
  for (std::size_t at = 0; at < data->queries.rows; ++at) {
    const std::span<const float> query(data->queries.values.data() + at * dimensions, dimensions);
    truth.push_back(index->query(query, {.top_k = kMost, .recall = 1.0F}).value());
  }
  for (const std::size_t top_k : {1, 10, 30, 100, 300, 1'000}) {
    print_found(*index, data->queries, top_k, truth);
  }
  return 0;
}
