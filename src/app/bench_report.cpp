// One shape for programs, tables for people.
#include "app/bench_report.h"

#include <nlohmann/json.hpp>

#include "cli/output.h"
#include "cli/table.h"

namespace selvedge::app {
namespace {

using cli::fixed;
using nlohmann::json;

double in_mb(std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }

// What the index holds of its own; mapped files are the system's to keep or to drop.
std::uint64_t own_bytes(const vectors::Internals& internals) {
  return internals.values_bytes + internals.codes_bytes + internals.graph_bytes +
         internals.other_bytes;
}

json internals_json(const vectors::Internals& internals) {
  return {{"linked_count", internals.linked_count}, {"recent_count", internals.recent_count},
          {"dead_count", internals.dead_count},     {"values_bytes", internals.values_bytes},
          {"mapped_bytes", internals.mapped_bytes}, {"codes_bytes", internals.codes_bytes},
          {"graph_bytes", internals.graph_bytes},   {"other_bytes", internals.other_bytes}};
}

json figures_json(float setting, const QueryFigures& figures) {
  // The shortest decimal of the float that was asked for, not of the double near it.
  json row = {{"setting", std::stod(fixed(setting, 6))},
              {"recall", figures.recall},
              {"qps_cpu", figures.qps_cpu},
              {"qps_wall", figures.qps_wall},
              {"p50_us", figures.p50_us},
              {"p99_us", figures.p99_us}};
  if (figures.qps_threads) row["qps_threads"] = *figures.qps_threads;
  return row;
}

json sweep_json(const std::vector<SweepRow>& rows) {
  json list = json::array();
  for (const SweepRow& row : rows) list.push_back(figures_json(row.setting, row.figures));
  return list;
}

json http_json(const HttpFigures& http) {
  json rows = json::array();
  for (const HttpRow& row : http.rows) {
    json each = figures_json(row.setting, row.figures);
    each["client_cpu_us"] = row.client_cpu_us;
    each["of_in_process"] = row.of_in_process;
    rows.push_back(std::move(each));
  }
  return {{"connections", http.connections}, {"ready_s", http.ready_s}, {"sweep", rows}};
}

json live_json(const LiveFigures& live) {
  return {{"quiet_p50_us", live.quiet_p50_us},
          {"quiet_p99_us", live.quiet_p99_us},
          {"busy_p50_us", live.busy_p50_us},
          {"busy_p99_us", live.busy_p99_us},
          {"busy_of_quiet_p99", live.busy_p99_us / live.quiet_p99_us},
          {"inserts_per_s", live.inserts_per_s},
          {"write_visible_single_p50_ms", live.single_p50_ms},
          {"write_visible_single_p99_ms", live.single_p99_ms},
          {"write_visible_batch_p50_ms", live.batch_p50_ms},
          {"write_visible_batch_p99_ms", live.batch_p99_ms},
          {"writes_timed", live.writes_timed},
          {"seen_late", live.seen_late}};
}

std::vector<std::string> figures_cells(float setting, const QueryFigures& figures) {
  return {fixed(setting, 3),          fixed(figures.recall, 4), fixed(figures.qps_cpu, 0),
          fixed(figures.qps_wall, 0), fixed(figures.p50_us, 0), fixed(figures.p99_us, 0)};
}

std::string sweep_text(const std::vector<SweepRow>& rows, std::size_t threads) {
  std::vector<std::string> headings = {"setting",    "recall", "QPS (CPU)",
                                       "QPS (wall)", "p50 µs", "p99 µs"};
  if (threads > 1) headings.push_back("QPS of " + std::to_string(threads) + " threads");
  cli::Table table(std::move(headings));
  for (const SweepRow& row : rows) {
    auto cells = figures_cells(row.setting, row.figures);
    if (threads > 1) {
      const double together = row.figures.qps_threads.value_or(0);
      cells.push_back(fixed(together, 0) + " (" + fixed(together / row.figures.qps_wall, 2) +
                      " x)");
    }
    table.add(std::move(cells));
  }
  return table.text();
}

std::string build_text(const BenchReport& report) {
  const BuildFigures& build = report.build;
  const vectors::Internals& internals = build.memory.internals;
  std::string text = std::to_string(report.vectors) + " vectors of " +
                     std::to_string(report.dimensions) + " dimensions, " +
                     std::to_string(report.queries) + " queries, top " +
                     std::to_string(report.top_k) + "\n";
  if (build.built) {
    text += "built in " + fixed(build.cpu_s, 2) + " CPU seconds, " + fixed(build.wall_s, 2) +
            " s wall; " + fixed(build.insert_per_s, 0) + " inserts/s\n";
  } else {
    text += "the index was there\n";
  }
  text += "memory: " + fixed(in_mb(own_bytes(internals)), 1) + " MB of the index (values " +
          fixed(in_mb(internals.values_bytes), 1) + ", codes " +
          fixed(in_mb(internals.codes_bytes), 1) + ", graph " +
          fixed(in_mb(internals.graph_bytes), 1) + ", other " +
          fixed(in_mb(internals.other_bytes), 1) + "), " + fixed(in_mb(internals.mapped_bytes), 1) +
          " MB mapped; process " + fixed(in_mb(build.memory.resident_bytes), 1) + " MB, " +
          fixed(in_mb(build.memory.anonymous_bytes), 1) + " of them no file\n";
  return text;
}

std::string live_text(const LiveFigures& live) {
  return "\nlive\n  query p50 " + fixed(live.quiet_p50_us, 0) + " µs, p99 " +
         fixed(live.quiet_p99_us, 0) + " µs; beside " + fixed(live.inserts_per_s, 0) +
         " inserts/s p50 " + fixed(live.busy_p50_us, 0) + " µs, p99 " + fixed(live.busy_p99_us, 0) +
         " µs (" + fixed(live.busy_p99_us / live.quiet_p99_us, 2) +
         " x)\n  write -> visible: one vector p50 " + fixed(live.single_p50_ms, 2) + " ms, p99 " +
         fixed(live.single_p99_ms, 2) + " ms; a batch of 1000 p50 " + fixed(live.batch_p50_ms, 2) +
         " ms, p99 " + fixed(live.batch_p99_ms, 2) + " ms; " + std::to_string(live.seen_late) +
         " of " + std::to_string(live.writes_timed) + " seen late\n";
}

std::string http_text(const HttpFigures& http) {
  cli::Table table({"setting", "recall", "QPS (CPU)", "QPS (wall)", "p50 µs", "p99 µs",
                    "of in-process", "client µs"});
  for (const HttpRow& row : http.rows) {
    auto cells = figures_cells(row.setting, row.figures);
    cells.push_back(fixed(100 * row.of_in_process, 1) + " %");
    cells.push_back(fixed(row.client_cpu_us, 0));
    table.add(std::move(cells));
  }
  return "\nHTTP, " + std::to_string(http.connections) +
         " connections; the server was ready after " + fixed(http.ready_s, 2) + " s\n" +
         table.text();
}

}  // namespace

json report_json(const BenchReport& report) {
  const BuildFigures& build = report.build;
  json all = {{"vectors", report.vectors},
              {"dimensions", report.dimensions},
              {"queries", report.queries},
              {"top_k", report.top_k},
              {"memory_mb", in_mb(own_bytes(build.memory.internals))},
              {"resident_mb", in_mb(build.memory.resident_bytes)},
              {"anonymous_mb", in_mb(build.memory.anonymous_bytes)},
              {"internals", internals_json(build.memory.internals)},
              {"sweep", sweep_json(report.sweep)}};
  if (build.built) {
    all["build_cpu_s"] = build.cpu_s;
    all["build_wall_s"] = build.wall_s;
    all["insert_per_s"] = build.insert_per_s;
  }
  if (report.threads > 1) all["threads"] = report.threads;
  for (const FilteredSweep& each : report.filtered) {
    all["filtered"].push_back({{"selectivity", each.selectivity},
                               {"allowed", each.allowed},
                               {"sweep", sweep_json(each.rows)}});
  }
  if (report.live) all["live"] = live_json(*report.live);
  if (report.http) all["http"] = http_json(*report.http);
  return all;
}

std::string report_text(const BenchReport& report) {
  std::string text = build_text(report) + "\n" + sweep_text(report.sweep, report.threads);
  for (const FilteredSweep& each : report.filtered) {
    text += "\nfiltered to " + fixed(100 * each.selectivity, 2) + " % (really " +
            fixed(100 * each.allowed, 3) + " %)\n" + sweep_text(each.rows, report.threads);
  }
  if (report.http) text += http_text(*report.http);
  if (report.live) text += live_text(*report.live);
  text.pop_back();
  return text;
}

}  // namespace selvedge::app
