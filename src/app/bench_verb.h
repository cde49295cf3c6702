// `selvedge bench vectors`: how fast and how right the vector index is with someone's own data.
#pragma once

#include "app/bench_report.h"
#include "base/result.h"
#include "cli/context.h"

namespace CLI {
class App;
}

namespace selvedge::app {

// Adds `bench vectors`. `context` must outlive `app`.
void add_bench_verb(CLI::App& app, cli::Context& context);

// Builds, asks and measures what `options` name. Errors: those of BenchData and BenchIndex.
Result<BenchReport> run_bench(const BenchOptions& options, bool quiet);

}  // namespace selvedge::app
