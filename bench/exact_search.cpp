// Exact search: queries per second of the exact index on one core, beside the memory bandwidth that
// bounds it, measured in the same run.
//
//   exact_search [--rows 100000] [--dimensions 768] [--seconds 5] [--metric cosine] [--json]
//                [--base i8.npy --scale scale.npy --queries query.npy [--truth gt.npy]]
//
// Without files the vectors are random. With them: int8 rows times their scale, normalised; the
// truth has the row numbers of the nearest, best first. The index is a real one in a temporary
// folder: inserts are synced in batches of 1,000.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "npy_file.h"
#include "read_bandwidth.h"
#include "vectors/store.h"

namespace selvedge::bench {
namespace {

constexpr std::size_t kBatch = 1'000;
constexpr std::size_t kTopK = 10;
constexpr std::size_t kBandwidthBytes = 2UL << 30;  // More than any cache holds.

// Of this thread on its core: what other programs take does not count, only what they slow down.
double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double seconds_since(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

struct Data {
  std::size_t rows = 0;
  std::size_t dimensions = 0;
  std::vector<float> base;
  std::vector<float> queries;
  NpyFile<std::int32_t> truth;
};

using Arguments = std::map<std::string, std::string>;

std::string argument(const Arguments& arguments, const std::string& name, const char* otherwise) {
  const auto given = arguments.find(name);
  return given == arguments.end() ? otherwise : given->second;
}

Data random_data(std::size_t rows, std::size_t dimensions) {
  Data data{rows,
            dimensions,
            std::vector<float>(rows * dimensions),
            std::vector<float>(100 * dimensions),
            {}};
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (float& value : data.base) value = uniform(random);
  for (float& value : data.queries) value = uniform(random);
  return data;
}

std::optional<Data> read_data(const Arguments& arguments) {
  const auto base = NpyFile<std::int8_t>::read(arguments.at("--base"));
  const auto scale = NpyFile<float>::read(argument(arguments, "--scale", ""));
  auto queries = NpyFile<float>::read(argument(arguments, "--queries", ""));
  if (!base || !scale || !queries || scale->values.size() != base->rows ||
      queries->columns != base->columns) {
    return std::nullopt;
  }
  Data data{base->rows,
            base->columns,
            std::vector<float>(base->values.size()),
            std::move(queries->values),
            {}};
  for (std::size_t row = 0; row < data.rows; ++row) {
    double sum = 0;
    for (std::size_t at = row * data.dimensions; at < (row + 1) * data.dimensions; ++at) {
      data.base[at] = static_cast<float>(base->values[at]) * scale->values[row];
      sum += static_cast<double>(data.base[at]) * data.base[at];
    }
    const auto length = static_cast<float>(std::sqrt(sum));
    for (std::size_t at = row * data.dimensions; at < (row + 1) * data.dimensions; ++at) {
      data.base[at] /= length;
    }
  }
  if (arguments.contains("--truth")) {
    auto truth = NpyFile<std::int32_t>::read(arguments.at("--truth"));
    if (!truth) return std::nullopt;
    data.truth = std::move(*truth);
  }
  return data;
}

Status fill(vectors::Index& index, const Data& data) {
  for (std::size_t first = 0; first < data.rows; first += kBatch) {
    const std::size_t count = std::min(kBatch, data.rows - first);
    vectors::VectorBatch batch;
    batch.dimensions = data.dimensions;
    for (std::size_t row = first; row < first + count; ++row) {
      batch.ids.push_back(std::to_string(row));
    }
    const auto begin = data.base.begin() + static_cast<std::ptrdiff_t>(first * data.dimensions);
    batch.values.assign(begin, begin + static_cast<std::ptrdiff_t>(count * data.dimensions));
    batch.partitions.resize(count);
    batch.metadata.resize(count);
    const auto mutation = index.insert(batch);
    if (!mutation.ok()) return mutation.error();
  }
  return ok_status();
}

std::span<const float> query_at(const Data& data, std::size_t at) {
  const std::size_t count = data.queries.size() / data.dimensions;
  return std::span(data.queries).subspan(at % count * data.dimensions, data.dimensions);
}

// Share of the true nearest among the first kTopK, over at most 200 queries; -1 without a truth.
double recall(const vectors::Index& index, const Data& data) {
  if (data.truth.rows == 0) return -1;
  const std::size_t count = std::min<std::size_t>(200, data.truth.rows);
  std::size_t hits = 0;
  for (std::size_t at = 0; at < count; ++at) {
    vectors::QueryOptions options;
    options.top_k = kTopK;
    const auto matches = index.query(query_at(data, at), options);
    if (!matches.ok()) return -1;
    const auto* truth = data.truth.values.data() + at * data.truth.columns;
    for (const auto& match : matches.value()) {
      hits += std::find(truth, truth + kTopK, std::stoi(match.id)) != truth + kTopK ? 1U : 0U;
    }
  }
  return static_cast<double>(hits) / static_cast<double>(count * kTopK);
}

struct Figures {
  double inserts_per_second = 0;
  double open_seconds = 0;
  std::vector<double> query_seconds;  // CPU time of each query.
  std::vector<double> sum_seconds;    // Of a plain sum over as many bytes as the index has.
  std::vector<double> large_seconds;  // Of one over kBandwidthBytes.
  double recall = -1;
};

double least(const std::vector<double>& values) {
  return *std::min_element(values.begin(), values.end());
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void print(const Figures& figures, const Data& data, bool json) {
  const double giga_bytes = static_cast<double>(data.rows * data.dimensions * sizeof(float)) / 1e9;
  const double query = median(figures.query_seconds);
  const double sum = median(figures.sum_seconds);
  const double large = static_cast<double>(kBandwidthBytes) / 1e9 / least(figures.large_seconds);
  std::printf(
      json ? "{\"rows\":%zu,\"dimensions\":%zu,\"queries_per_cpu_second\":%.2f,"
             "\"query_ms_best\":%.3f,\"query_ms_median\":%.3f,\"scanned_gb_s_median\":%.2f,"
             "\"bandwidth_gb_s_median\":%.2f,\"ratio_median\":%.3f,\"scanned_gb_s_best\":%.2f,"
             "\"bandwidth_gb_s_best\":%.2f,\"ratio_best\":%.3f,\"bandwidth_2gib_gb_s_best\":%.2f,"
             "\"inserts_per_second\":%.0f,\"open_seconds\":%.3f,\"recall_at_10\":%.4f}\n"
           : "%zu x %zu, one core: %.2f queries/s of CPU time (best %.3f ms, median %.3f ms)\n"
             "median: %.2f GB/s scanned, %.2f GB/s by a plain sum over as many bytes, ratio %.3f\n"
             "best:   %.2f GB/s scanned, %.2f GB/s by a plain sum over as many bytes, ratio %.3f; "
             "%.2f GB/s over 2 GiB\n"
             "inserts, synced in batches of 1,000: %.0f vectors/s; opening: %.3f s; "
             "recall@10: %.4f (-1: no truth given)\n",
      data.rows, data.dimensions, 1 / query, least(figures.query_seconds) * 1e3, query * 1e3,
      giga_bytes / query, giga_bytes / sum, sum / query, giga_bytes / least(figures.query_seconds),
      giga_bytes / least(figures.sum_seconds),
      least(figures.sum_seconds) / least(figures.query_seconds), large, figures.inserts_per_second,
      figures.open_seconds, figures.recall);
}

// Stays on the core it is on: both measurements see the same one.
void pin() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(static_cast<unsigned>(::sched_getcpu()), &cores);
  ::sched_setaffinity(0, sizeof cores, &cores);
}

// Queries and plain sums take turns, so that both meet the same neighbours on the machine.
Status time_queries(const vectors::Index& index, const Data& data, double limit, Figures& figures) {
  constexpr std::size_t kQueriesPerTurn = 5;
  constexpr std::size_t kTurnsMin = 5;
  ReadBandwidth sum(data.rows * data.dimensions * sizeof(float));
  vectors::QueryOptions options;
  options.top_k = kTopK;
  const auto began = std::chrono::steady_clock::now();
  while (seconds_since(began) < limit || figures.sum_seconds.size() < kTurnsMin) {
    const double before_sum = cpu_seconds();
    sum.pass();
    figures.sum_seconds.push_back(cpu_seconds() - before_sum);
    for (std::size_t query = 0; query < kQueriesPerTurn; ++query) {
      const double before = cpu_seconds();
      SEL_TRY(matches, index.query(query_at(data, figures.query_seconds.size()), options));
      figures.query_seconds.push_back(cpu_seconds() - before);
    }
  }
  ReadBandwidth large(kBandwidthBytes);
  for (int turn = 0; turn < 5; ++turn) {
    const double before = cpu_seconds();
    large.pass();
    figures.large_seconds.push_back(cpu_seconds() - before);
  }
  return ok_status();
}

Status measure(const Data& data, const Arguments& arguments, Figures& figures) {
  std::string pattern = (std::filesystem::temp_directory_path() / "exact-search-XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(pattern.data());
  const std::string metric = argument(arguments, "--metric", "cosine");
  const vectors::IndexConfig config{static_cast<std::uint32_t>(data.dimensions),
                                    metric == "euclidean"     ? vectors::Metric::euclidean
                                    : metric == "dot-product" ? vectors::Metric::dot_product
                                                              : vectors::Metric::cosine,
                                    ""};
  {
    SEL_TRY(store, vectors::Store::open(folder));
    SEL_TRY(description, store->create("bench", "exact", "", config));
    SEL_TRY(index, store->find("bench", "exact"));
    const auto began = std::chrono::steady_clock::now();
    SEL_CHECK_OK(fill(*index, data));
    figures.inserts_per_second = static_cast<double>(data.rows) / seconds_since(began);
  }
  SEL_TRY(store, vectors::Store::open(folder));
  const auto opening = std::chrono::steady_clock::now();
  SEL_TRY(index, store->find("bench", "exact"));
  figures.open_seconds = seconds_since(opening);

  pin();
  SEL_CHECK_OK(
      time_queries(*index, data, std::stod(argument(arguments, "--seconds", "5")), figures));
  figures.recall = recall(*index, data);
  std::filesystem::remove_all(folder);
  return ok_status();
}

int run(const std::vector<std::string>& words) {
  Arguments arguments;
  for (std::size_t at = 0; at < words.size(); ++at) {
    if (words[at] == "--json") {
      arguments["--json"];
    } else if (at + 1 < words.size()) {
      arguments[words[at]] = words[at + 1];
      ++at;
    }
  }
  std::optional<Data> data;
  if (arguments.contains("--base")) {
    data = read_data(arguments);
  } else {
    data = random_data(std::stoul(argument(arguments, "--rows", "100000")),
                       std::stoul(argument(arguments, "--dimensions", "768")));
  }
  if (!data) {
    std::cerr << "the files are not arrays of the right types and shapes\n";
    return 2;
  }
  Figures figures;
  const Status measured = measure(*data, arguments, figures);
  if (!measured.ok()) {
    std::cerr << measured.error().message << "\n";
    return 1;
  }
  print(figures, *data, arguments.contains("--json"));
  return 0;
}

}  // namespace
}  // namespace selvedge::bench

int main(int count, char** words) { return selvedge::bench::run({words + 1, words + count}); }
