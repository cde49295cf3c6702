// BenchHttp: the same queries over HTTP, of a server in a process of its own.
#pragma once

#include <vector>

#include "app/bench_data.h"
#include "app/bench_index.h"
#include "app/bench_queries.h"
#include "base/result.h"

namespace selvedge::app {

struct HttpRow {
  float setting = 0;
  QueryFigures figures;      // `qps_cpu` is by the server's CPU time.
  double client_cpu_us = 0;  // What the client itself takes of a core, a query.
  double of_in_process = 0;  // Queries a second, wall, against one thread in this process.
};

struct HttpFigures {
  std::size_t connections = 0;
  double ready_s = 0;  // From the server's start until it answered the first query.
  std::vector<HttpRow> rows;
};

// Closes the index, has a server answer for its folder, and opens it again. Bodies are made before
// the clock runs; answers are read whole, and taken apart after it. `in_process` gives the settings
// and what to compare with. Errors: unavailable (the server does not start), io, those of Store.
Result<HttpFigures> measure_http(BenchIndex& index, const BenchData& data,
                                 const BenchOptions& options,
                                 const std::vector<SweepRow>& in_process, bool quiet);

}  // namespace selvedge::app
