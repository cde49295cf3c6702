// BenchData: the vectors, queries and true neighbours that `selvedge bench` works with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "cli/array_file.h"
#include "vectors/index.h"

namespace selvedge::app {

struct BenchOptions {
  std::filesystem::path base;
  std::filesystem::path scale;  // One factor a row of `base`; empty: none.
  std::filesystem::path queries;
  std::filesystem::path truth;   // Row numbers of `base`, nearest first; empty: asked of the index.
  std::filesystem::path folder;  // Where the index is made and kept; empty: a temporary one.
  vectors::Metric metric = vectors::Metric::cosine;
  std::size_t top_k = 10;
  std::size_t limit_base = 0;  // The first so many; 0 = all.
  std::size_t limit_queries = 0;
  std::size_t threads = 1;
  std::size_t rounds = 5;
  std::vector<float> recalls = {0.9F, 0.95F, 0.99F, 1.0F};
  std::vector<double> selectivities;
  bool filter_by_tag = false;  // By a truth a selectivity instead of a number's range.
  bool live = false;
  bool http = false;
  double live_s = 10;             // Of each of the two parts, quiet and with writes.
  std::size_t connections = 8;    // Of --http.
  std::filesystem::path program;  // `selvedge` itself, started for --http.
};

// The nearest rows of each query, nearest first.
using Neighbours = std::vector<std::vector<std::uint32_t>>;

// Which share of `truth` was found: of each query, of its first `top_k` neighbours.
double recall_of(const Neighbours& found, const Neighbours& truth, std::size_t top_k);

// The base is mapped, the queries are in memory.
class BenchData {
 public:
  // Errors: those of ArrayFile::open, file_invalid (tables that do not fit each other).
  static Result<BenchData> open(const BenchOptions& options);

  std::size_t rows() const { return rows_; }
  std::size_t dimensions() const { return base_.columns(); }
  std::size_t query_count() const { return query_count_; }
  std::span<const float> query(std::size_t at) const {
    return std::span(queries_).subspan(at * dimensions(), dimensions());
  }
  // Nothing where the file was not given, or names rows beyond the limit.
  const std::optional<Neighbours>& truth() const { return truth_; }

  // One row of the base, scaled. Errors: file_invalid.
  Status read(std::size_t at, std::span<float> out) const;

 private:
  explicit BenchData(cli::ArrayFile base) : base_(std::move(base)) {}
  Status read_scale(const BenchOptions& options);
  Status read_queries(const BenchOptions& options);
  Status read_truth(const BenchOptions& options);

  cli::ArrayFile base_;
  std::size_t rows_ = 0;
  std::vector<float> scale_;
  std::size_t query_count_ = 0;
  std::vector<float> queries_;
  std::optional<Neighbours> truth_;
};

// Uniform in 0…1 by the row's number: row `at` is allowed at selectivity s where this is below s.
// The same in every program that measures filters: splitmix64(at ^ 7) / 2^64.
double filter_draw(std::uint64_t at);

}  // namespace selvedge::app
