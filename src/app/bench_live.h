// BenchLive: queries beside writes, and how soon a write is seen.
#pragma once

#include "app/bench_data.h"
#include "base/result.h"
#include "vectors/index.h"

namespace selvedge::app {

struct LiveFigures {
  double quiet_p50_us = 0;  // Of queries at the index's own setting.
  double quiet_p99_us = 0;
  double busy_p50_us = 0;  // The same while another thread inserts without a pause.
  double busy_p99_us = 0;
  double inserts_per_s = 0;  // Meanwhile.
  // From the call that writes one vector until a query returned it; of a batch of 1,000 its last
  // one.
  double single_p50_ms = 0;
  double single_p99_ms = 0;
  double batch_p50_ms = 0;
  double batch_p99_ms = 0;
  std::size_t writes_timed = 0;
  std::size_t seen_late = 0;  // Of them, those that the first query afterwards did not return.
};

// Takes what it wrote out again. Errors: those of Index.
Result<LiveFigures> measure_live(vectors::Index& index, const BenchData& data,
                                 const BenchOptions& options, bool quiet);

}  // namespace selvedge::app
