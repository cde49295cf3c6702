// BenchQueries: all queries asked of an index in this process, and what came of it.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "app/bench_data.h"
#include "base/result.h"
#include "vectors/index.h"

namespace selvedge::app {

// One pass over all queries, one after the other.
struct QueryPass {
  double wall_s = 0;
  double cpu_s = 0;  // Of the whole process: an index that answers on several cores pays for all.
  std::vector<float> us;  // Of each query.
  Neighbours found;
};
// Errors: those of Index::query.
Result<QueryPass> ask_all(const vectors::Index& index, const BenchData& data,
                          const vectors::QueryOptions& options);

// Queries a second of so many threads together, each asking all queries, from another one on.
Result<double> qps_of_threads(const vectors::Index& index, const BenchData& data,
                              const vectors::QueryOptions& options, std::size_t threads);

// Figures of several passes: queries a second are the median of the passes, latencies over all.
struct QueryFigures {
  double recall = 0;
  double qps_cpu = 0;
  double qps_wall = 0;
  double p50_us = 0;
  double p99_us = 0;
  std::optional<double> qps_threads;  // Wall, of --threads together.
};

struct SweepRow {
  float setting = 0;  // QueryOptions::recall.
  QueryFigures figures;
};

// Of each query those that `filter` allows: from `data` where it knows them, else asked of the
// index at recall 1. Errors: those of Index::query.
Result<Neighbours> true_neighbours(const vectors::Index& index, const BenchData& data,
                                   const BenchOptions& options,
                                   const std::optional<vectors::Filter>& filter);

// Each setting once a round, round after round, so that what else the machine does meets all alike.
// `filter`: of every query.
Result<std::vector<SweepRow>> sweep(const vectors::Index& index, const BenchData& data,
                                    const BenchOptions& options,
                                    const std::optional<vectors::Filter>& filter, bool quiet);

double median(std::vector<double> numbers);
// The value below which this share of `numbers` lies; 0 for none.
double percentile(std::vector<float> numbers, double share);

}  // namespace selvedge::app
