// Opens the files and holds them against each other.
#include "app/bench_data.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace selvedge::app {
namespace {

Error misfit(const std::filesystem::path& file, const std::string& what) {
  return Error{Code::file_invalid, file.string() + ": " + what};
}

std::size_t limited(std::size_t count, std::size_t limit) {
  return limit == 0 ? count : std::min(count, limit);
}

}  // namespace

double recall_of(const Neighbours& found, const Neighbours& truth, std::size_t top_k) {
  std::size_t wanted = 0;
  std::size_t hits = 0;
  for (std::size_t at = 0; at < found.size(); ++at) {
    const std::span all(truth[at]);
    const auto nearest = all.first(std::min(top_k, all.size()));
    wanted += nearest.size();
    for (const std::uint32_t row : nearest) {
      hits += std::find(found[at].begin(), found[at].end(), row) != found[at].end() ? 1 : 0;
    }
  }
  return wanted == 0 ? 1 : static_cast<double>(hits) / static_cast<double>(wanted);
}

Result<BenchData> BenchData::open(const BenchOptions& options) {
  SEL_TRY(base, cli::ArrayFile::open(options.base));
  BenchData data(std::move(base));
  data.rows_ = limited(data.base_.rows(), options.limit_base);
  if (data.rows_ == 0) return misfit(options.base, "holds no vectors");
  SEL_CHECK_OK(data.read_scale(options));
  SEL_CHECK_OK(data.read_queries(options));
  SEL_CHECK_OK(data.read_truth(options));
  return data;
}

Status BenchData::read_scale(const BenchOptions& options) {
  if (options.scale.empty()) return ok_status();
  SEL_TRY(scale, cli::ArrayFile::open(options.scale));
  if (scale.columns() != 1 || scale.rows() != base_.rows()) {
    return misfit(options.scale, "is not one factor for each of the " +
                                     std::to_string(base_.rows()) + " rows of the base");
  }
  scale_.resize(rows_);
  for (std::size_t at = 0; at < rows_; ++at) {
    SEL_CHECK_OK(scale.read(at, std::span(&scale_[at], 1)));
  }
  return ok_status();
}

Status BenchData::read_queries(const BenchOptions& options) {
  SEL_TRY(queries, cli::ArrayFile::open(options.queries));
  if (queries.columns() != dimensions()) {
    return misfit(options.queries, "has " + std::to_string(queries.columns()) +
                                       " numbers a row, the base " + std::to_string(dimensions()));
  }
  query_count_ = limited(queries.rows(), options.limit_queries);
  if (query_count_ == 0) return misfit(options.queries, "holds no queries");
  queries_.resize(query_count_ * dimensions());
  for (std::size_t at = 0; at < query_count_; ++at) {
    const auto out = std::span(queries_).subspan(at * dimensions(), dimensions());
    SEL_CHECK_OK(queries.read(at, out));
  }
  return ok_status();
}

Status BenchData::read_truth(const BenchOptions& options) {
  if (options.truth.empty() || rows_ < base_.rows()) return ok_status();
  SEL_TRY(table, cli::ArrayFile::open(options.truth));
  if (table.rows() < query_count_ || table.columns() < std::min(options.top_k, rows_)) {
    return misfit(options.truth, "holds " + std::to_string(table.columns()) + " neighbours of " +
                                     std::to_string(table.rows()) + " queries; " +
                                     std::to_string(options.top_k) + " of " +
                                     std::to_string(query_count_) + " are needed");
  }
  truth_.emplace(query_count_);
  std::vector<std::int64_t> row(table.columns());
  for (std::size_t at = 0; at < query_count_; ++at) {
    SEL_CHECK_OK(table.read(at, std::span(row)));
    for (const std::int64_t each : row) {
      if (each < 0 || static_cast<std::size_t>(each) >= rows_) {
        return misfit(options.truth, "names row " + std::to_string(each) + ", which is not there");
      }
      (*truth_)[at].push_back(static_cast<std::uint32_t>(each));
    }
  }
  return ok_status();
}

Status BenchData::read(std::size_t at, std::span<float> out) const {
  SEL_CHECK_OK(base_.read(at, out));
  if (scale_.empty()) return ok_status();
  for (float& value : out) value *= scale_[at];
  return ok_status();
}

double filter_draw(std::uint64_t at) {
  // Sebastiano Vigna's splitmix64, https://prng.di.unimi.it/splitmix64.c
  std::uint64_t z = (at ^ 7) + 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return std::ldexp(static_cast<double>(z ^ (z >> 31)), -64);
}

}  // namespace selvedge::app
