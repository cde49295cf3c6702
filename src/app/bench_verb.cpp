// Options to measurements to a report.
#include "app/bench_verb.h"

#include <map>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/output.h"

namespace selvedge::app {
namespace {

using vectors::Metric;

const std::map<std::string, Metric> kMetrics = {{"cosine", Metric::cosine},
                                                {"euclidean", Metric::euclidean},
                                                {"dot-product", Metric::dot_product}};

void add_data_options(CLI::App& verb, BenchOptions& options) {
  verb.add_option("--base", options.base, "Vectors, one a row: .npy or .fvecs")->required();
  verb.add_option("--scale", options.scale, "One factor for each row of the base (int8 codes)");
  verb.add_option("--queries", options.queries, "Query vectors: .npy or .fvecs")->required();
  verb.add_option("--truth", options.truth,
                  "Rows of the base nearest to each query: .npy or .ivecs; without it the index "
                  "is asked at recall 1");
  verb.add_option("--metric", options.metric, "cosine, euclidean or dot-product")
      ->transform(CLI::CheckedTransformer(kMetrics))
      ->default_str("cosine");
  verb.add_option("--limit-base", options.limit_base, "Only the first so many vectors");
  verb.add_option("--limit-queries", options.limit_queries, "Only the first so many queries");
  verb.add_option("--folder", options.folder,
                  "Make the index here and keep it; one that is here is taken. On the disk that "
                  "writes are to be measured on")
      ->default_str("a temporary one");
}

void add_measure_options(CLI::App& verb, BenchOptions& options) {
  const auto share = CLI::Range(0.0, 1.0);
  verb.add_option("--topk", options.top_k, "Matches a query")
      ->check(CLI::Range(std::size_t{1}, limits::top_k_max))
      ->capture_default_str();
  verb.add_option("--recall", options.recalls, "Settings to sweep")
      ->delimiter(',')
      ->check(share)
      ->capture_default_str();
  verb.add_option("--rounds", options.rounds, "Passes over the queries, each setting")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  verb.add_option("--threads", options.threads, "Also so many threads at once")
      ->check(CLI::Range(1, 1'024))
      ->capture_default_str();
  verb.add_option("--filter-selectivity", options.selectivities,
                  "Also filtered to these shares of the vectors, as 0.001,0.01,0.1,0.5")
      ->delimiter(',')
      ->check(share);
  verb.add_flag("--filter-by-tag", options.filter_by_tag,
                "Filter by a tag's equality instead of a number's range");
  verb.add_flag("--live", options.live, "Also queries beside writes, and write to visible");
  verb.add_option("--live-seconds", options.live_s, "Seconds of queries, quiet and beside writes")
      ->check(CLI::Range(0.1, 3'600.0))
      ->capture_default_str();
  verb.add_flag("--http", options.http, "Also over HTTP, of a server of its own");
  verb.add_option("--connections", options.connections, "Of --http")
      ->check(CLI::Range(1, 1'024))
      ->capture_default_str();
}

}  // namespace

Result<BenchReport> run_bench(const BenchOptions& options, bool quiet) {
  SEL_TRY(data, BenchData::open(options));
  BenchReport report;
  report.vectors = data.rows();
  report.dimensions = data.dimensions();
  report.queries = data.query_count();
  report.top_k = options.top_k;
  report.threads = options.threads;
  SEL_TRY(made, BenchIndex::build(options, data, quiet, report.build));
  SEL_TRY(plain, sweep(made->index(), data, options, std::nullopt, quiet));
  report.sweep = std::move(plain);
  for (std::size_t at = 0; at < options.selectivities.size(); ++at) {
    const double selectivity = options.selectivities[at];
    SEL_TRY(rows, sweep(made->index(), data, options, bench_filter(options, at), quiet));
    report.filtered.push_back({selectivity, allowed_share(data, selectivity), std::move(rows)});
  }
  if (options.http) {
    SEL_TRY(http, measure_http(*made, data, options, report.sweep, quiet));
    report.http = std::move(http);
  }
  if (options.live) {
    SEL_TRY(live, measure_live(made->index(), data, options, quiet));
    report.live = live;
  }
  return report;
}

void add_bench_verb(CLI::App& app, cli::Context& context) {
  CLI::App* group = app.add_subcommand("bench", "Measure this program with data of your own");
  group->require_subcommand(1);
  CLI::App* verb = group->add_subcommand(
      "vectors", "Build an index and measure recall and speed; needs no server");
  auto options = std::make_shared<BenchOptions>();
  add_data_options(*verb, *options);
  add_measure_options(*verb, *options);
  verb->callback([options, &context] {
    options->program = context.programs / "selvedge";
    auto report = run_bench(*options, context.json);
    if (!report.ok()) return cli::fail(context, report.error());
    cli::print_line(context.json ? report_json(*report).dump(2) : report_text(*report));
  });
}

}  // namespace selvedge::app
