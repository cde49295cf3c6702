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
#include <random>
#include <string>
#include <vector>

#include <sched.h>
#include <stdlib.h>

#include "npy_file.h"
#include "read_bandwidth.h"
#include "vectors/store.h"

namespace selvedge::bench {
namespace {

constexpr std::size_t kBatch = 1'000;
constexpr std::size_t kTopK = 10;
constexpr std::size_t kBandwidthBytes = 2UL << 30;  // More than any cache holds.
constexpr int kPasses = 5;

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
  double queries_per_second = 0;
  double query_ms_median = 0;
  double scanned = 0;          // Bytes per second.
  double bandwidth = 0;        // The same, over as many bytes as the index has.
  double bandwidth_large = 0;  // The same, over kBandwidthBytes.
  double recall = -1;
};

void print(const Figures& figures, const Data& data, bool json) {
  const double giga = 1e9;
  std::printf(
      json
          ? "{\"rows\":%zu,\"dimensions\":%zu,\"queries_per_second\":%.2f,\"query_ms_median\":%.3f,"
            "\"scanned_gb_s\":%.2f,\"bandwidth_gb_s\":%.2f,\"bandwidth_2gib_gb_s\":%.2f,"
            "\"ratio\":%.3f,\"ratio_2gib\":%.3f,\"inserts_per_second\":%.0f,"
            "\"open_seconds\":%.3f,\"recall_at_10\":%.4f}\n"
          : "%zu x %zu, one core: %.2f queries/s (median %.3f ms), %.2f GB/s scanned\n"
            "memory read by a plain sum: %.2f GB/s over as many bytes, %.2f GB/s over 2 GiB; "
            "ratio %.3f and %.3f\n"
            "inserts, synced in batches of 1,000: %.0f vectors/s; opening: %.3f s; "
            "recall@10: %.4f (-1: no truth given)\n",
      data.rows, data.dimensions, figures.queries_per_second, figures.query_ms_median,
      figures.scanned / giga, figures.bandwidth / giga, figures.bandwidth_large / giga,
      figures.scanned / figures.bandwidth, figures.scanned / figures.bandwidth_large,
      figures.inserts_per_second, figures.open_seconds, figures.recall);
}

// Stays on the core it is on: both measurements see the same one.
void pin() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(static_cast<unsigned>(::sched_getcpu()), &cores);
  ::sched_setaffinity(0, sizeof cores, &cores);
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
  const double bytes = static_cast<double>(data.rows * data.dimensions * sizeof(float));
  figures.bandwidth = read_bandwidth(static_cast<std::size_t>(bytes), kPasses);
  figures.bandwidth_large = read_bandwidth(kBandwidthBytes, kPasses);
  const double limit = std::stod(argument(arguments, "--seconds", "5"));
  std::vector<double> took;
  vectors::QueryOptions options;
  options.top_k = kTopK;
  const auto began = std::chrono::steady_clock::now();
  while (seconds_since(began) < limit) {
    const auto one = std::chrono::steady_clock::now();
    SEL_TRY(matches, index->query(query_at(data, took.size()), options));
    took.push_back(seconds_since(one));
  }
  figures.queries_per_second = static_cast<double>(took.size()) / seconds_since(began);
  figures.scanned = figures.queries_per_second * bytes;
  figures.bandwidth =
      std::max(figures.bandwidth, read_bandwidth(static_cast<std::size_t>(bytes), kPasses));
  std::nth_element(took.begin(), took.begin() + static_cast<std::ptrdiff_t>(took.size() / 2),
                   took.end());
  figures.query_ms_median = took[took.size() / 2] * 1e3;
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
