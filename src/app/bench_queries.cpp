// Times queries; recall is counted once, outside of what is timed.
#include "app/bench_queries.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cmath>
#include <thread>
#include <utility>

#include "app/bench_index.h"
#include "cli/progress_bar.h"

namespace selvedge::app {
namespace {

std::vector<std::uint32_t> rows_of(const std::vector<vectors::Match>& matches) {
  std::vector<std::uint32_t> rows;
  rows.reserve(matches.size());
  for (const vectors::Match& match : matches) {
    std::uint32_t row = 0;
    const char* end = match.id.data() + match.id.size();
    const auto [at, failed] = std::from_chars(match.id.data(), end, row);
    if (failed == std::errc() && at == end) rows.push_back(row);
  }
  return rows;
}

// What the passes of one setting gave.
struct Passes {
  std::vector<double> qps_cpu;
  std::vector<double> qps_wall;
  std::vector<double> qps_threads;
  std::vector<float> us;
  double recall = 0;

  QueryFigures figures() const {
    QueryFigures all{
        recall,      median(qps_cpu), median(qps_wall), percentile(us, 0.5), percentile(us, 0.99),
        std::nullopt};
    if (!qps_threads.empty()) all.qps_threads = median(qps_threads);
    return all;
  }
};

Status measure(const vectors::Index& index, const BenchData& data, const BenchOptions& options,
               const vectors::QueryOptions& query, const Neighbours& truth, Passes& passes) {
  SEL_TRY(pass, ask_all(index, data, query));
  const auto count = static_cast<double>(data.query_count());
  passes.qps_cpu.push_back(count / pass.cpu_s);
  passes.qps_wall.push_back(count / pass.wall_s);
  passes.us.insert(passes.us.end(), pass.us.begin(), pass.us.end());
  passes.recall = recall_of(pass.found, truth, options.top_k);
  if (options.threads < 2) return ok_status();
  SEL_TRY(together, qps_of_threads(index, data, query, options.threads));
  passes.qps_threads.push_back(together);
  return ok_status();
}

}  // namespace

double median(std::vector<double> numbers) {
  if (numbers.empty()) return 0;
  const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
  std::nth_element(numbers.begin(), middle, numbers.end());
  if (numbers.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(numbers.begin(), middle)) / 2;
}

double percentile(std::vector<float> numbers, double share) {
  if (numbers.empty()) return 0;
  const auto at = static_cast<std::size_t>(share * static_cast<double>(numbers.size()));
  const auto place =
      numbers.begin() + static_cast<std::ptrdiff_t>(std::min(at, numbers.size() - 1));
  std::nth_element(numbers.begin(), place, numbers.end());
  return *place;
}

Result<QueryPass> ask_all(const vectors::Index& index, const BenchData& data,
                          const vectors::QueryOptions& options) {
  QueryPass pass;
  std::vector<std::vector<vectors::Match>> answers(data.query_count());
  pass.us.reserve(data.query_count());
  const double cpu = process_cpu_s();
  const double begun = wall_s();
  double last = begun;
  for (std::size_t at = 0; at < data.query_count(); ++at) {
    SEL_TRY(matches, index.query(data.query(at), options));
    answers[at] = std::move(matches);
    const double now = wall_s();
    pass.us.push_back(static_cast<float>((now - last) * 1e6));
    last = now;
  }
  pass.wall_s = last - begun;
  pass.cpu_s = process_cpu_s() - cpu;
  pass.found.reserve(answers.size());
  for (const auto& matches : answers) pass.found.push_back(rows_of(matches));
  return pass;
}

Result<double> qps_of_threads(const vectors::Index& index, const BenchData& data,
                              const vectors::QueryOptions& options, std::size_t threads) {
  // Whoever is free takes the next one: a core that the host slows down does not leave others idle.
  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> failed{0};
  const std::size_t all = threads * data.query_count();
  const double begun = wall_s();
  {
    std::vector<std::jthread> askers;
    for (std::size_t number = 0; number < threads; ++number) {
      askers.emplace_back([&] {
        for (std::size_t at = next++; at < all; at = next++) {
          if (!index.query(data.query(at % data.query_count()), options).ok()) ++failed;
        }
      });
    }
  }
  if (failed > 0) return Error{Code::internal, std::to_string(failed) + " queries failed"};
  return static_cast<double>(all) / (wall_s() - begun);
}

Result<Neighbours> true_neighbours(const vectors::Index& index, const BenchData& data,
                                   const BenchOptions& options,
                                   const std::optional<vectors::Filter>& filter) {
  if (!filter && data.truth()) return *data.truth();
  SEL_TRY(pass, ask_all(index, data, {.top_k = options.top_k, .filter = filter, .recall = 1.0F}));
  return std::move(pass.found);
}

Result<std::vector<SweepRow>> sweep(const vectors::Index& index, const BenchData& data,
                                    const BenchOptions& options,
                                    const std::optional<vectors::Filter>& filter, bool quiet) {
  vectors::QueryOptions query{.top_k = options.top_k, .filter = filter};
  cli::ProgressBar bar("bench", quiet, "passes");
  bar.update(0, 1, "asking for the true neighbours");
  SEL_TRY(truth, true_neighbours(index, data, options, filter));
  std::vector<Passes> passes(options.recalls.size());
  std::size_t done = 0;
  for (std::size_t round = 0; round < options.rounds; ++round) {
    for (std::size_t at = 0; at < options.recalls.size(); ++at) {
      query.recall = options.recalls[at];
      SEL_CHECK_OK(measure(index, data, options, query, truth, passes[at]));
      bar.update(++done, options.rounds * options.recalls.size(), "querying");
    }
  }
  std::vector<SweepRow> rows;
  for (std::size_t at = 0; at < passes.size(); ++at) {
    rows.push_back({options.recalls[at], passes[at].figures()});
  }
  return rows;
}

}  // namespace selvedge::app
