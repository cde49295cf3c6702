// BenchReport: what `selvedge bench vectors` found, for people and for programs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "app/bench_http.h"
#include "app/bench_index.h"
#include "app/bench_live.h"
#include "app/bench_queries.h"

namespace selvedge::app {

struct FilteredSweep {
  double selectivity = 0;
  double allowed = 0;  // The share of rows that it really allows.
  std::vector<SweepRow> rows;
};

struct BenchReport {
  std::size_t vectors = 0;
  std::size_t dimensions = 0;
  std::size_t queries = 0;
  std::size_t top_k = 0;
  std::size_t threads = 1;
  BuildFigures build;
  std::vector<SweepRow> sweep;
  std::vector<FilteredSweep> filtered;
  std::optional<LiveFigures> live;
  std::optional<HttpFigures> http;
};

// Keys that stand for a part which was not asked for are absent.
nlohmann::json report_json(const BenchReport& report);
std::string report_text(const BenchReport& report);

}  // namespace selvedge::app
