// hnswlib with a filter in C++: queries/s, recall and latency at some selectivities; prints one
// JSON object.
//
// hnsw_filtered INDEX QUERIES TRUTH K N DIMENSIONS SELECTIVITY...
//
// INDEX is what hnswlib's save_index wrote (space ip); QUERIES is raw float32 [q x DIMENSIONS];
// TRUTH is raw int32 [selectivities x q x K], the nearest rows that are allowed, -1 where there are
// fewer. Row i is allowed when splitmix64(i ^ 7) / 2^64 is below the selectivity. Below 0.5 %,
// where a query takes tens of milliseconds, the first 200 queries stand for all.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "hnswlib/hnswlib.h"

namespace {

constexpr std::uint64_t kSeed = 7;
constexpr double kPassSeconds = 0.2;
constexpr double kSettingSeconds = 8;
constexpr double kRecallEnough = 0.995;
constexpr double kFew = 0.005;
constexpr std::size_t kQueriesOfFew = 200;

// Sebastiano Vigna's splitmix64, https://prng.di.unimi.it/splitmix64.c
std::uint64_t splitmix64(std::uint64_t state) {
  std::uint64_t mixed = state + 0x9e3779b97f4a7c15;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

// A bitmap of the allowed rows: the cheapest test that knows nothing of how the filter came to be.
class Allowed : public hnswlib::BaseFilterFunctor {
 public:
  Allowed(std::size_t rows, double selectivity) : bits_((rows + 63) / 64) {
    for (std::size_t row = 0; row < rows; ++row) {
      const bool allowed = static_cast<double>(splitmix64(row ^ kSeed)) * 0x1p-64 < selectivity;
      bits_[row / 64] |= static_cast<std::uint64_t>(allowed) << (row % 64);
    }
  }
  bool operator()(hnswlib::labeltype id) override { return bits_[id / 64] >> (id % 64) & 1; }

 private:
  std::vector<std::uint64_t> bits_;
};

double seconds(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

template <class T>
std::vector<T> read(const char* path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  std::vector<T> values(static_cast<std::size_t>(file.tellg()) / sizeof(T));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(values.data()),
            static_cast<std::streamsize>(values.size() * sizeof(T)));
  return values;
}

struct Questions {
  std::vector<float> queries;
  std::size_t count, dimensions, k;
};

struct Row {
  std::size_t ef = 0;
  double recall = 0, cpu_s = std::numeric_limits<double>::max(), wall_s = cpu_s;
  std::vector<double> taken_us;  // CPU, of each query of the fastest pass.
};

double recall_of(const std::vector<hnswlib::labeltype>& found, const int* truth,
                 const Questions& asked) {
  std::size_t hits = 0;
  std::size_t wanted = 0;
  for (std::size_t at = 0; at < asked.count * asked.k; ++at) {
    if (truth[at] < 0) continue;
    ++wanted;
    const auto* row = found.data() + at / asked.k * asked.k;
    hits +=
        std::find(row, row + asked.k, static_cast<hnswlib::labeltype>(truth[at])) != row + asked.k;
  }
  return static_cast<double>(hits) / static_cast<double>(wanted);
}

Row measured(hnswlib::HierarchicalNSW<float>& index, Allowed& allowed, const Questions& asked,
             const int* truth, std::size_t ef) {
  index.setEf(ef);
  Row row{.ef = ef};
  std::vector<hnswlib::labeltype> found(asked.count * asked.k);
  const double started = seconds(CLOCK_MONOTONIC);
  do {
    std::fill(found.begin(), found.end(), std::numeric_limits<hnswlib::labeltype>::max());
    std::vector<double> taken(asked.count);
    const double wall = seconds(CLOCK_MONOTONIC);
    const double cpu = seconds(CLOCK_THREAD_CPUTIME_ID);
    double last = cpu;
    for (std::size_t at = 0; at < asked.count; ++at) {
      auto heap = index.searchKnn(&asked.queries[at * asked.dimensions], asked.k, &allowed);
      for (std::size_t place = at * asked.k; !heap.empty(); heap.pop())
        found[place++] = heap.top().second;
      const double now = seconds(CLOCK_THREAD_CPUTIME_ID);
      taken[at] = (now - last) * 1e6;
      last = now;
    }
    row.wall_s = std::min(row.wall_s, seconds(CLOCK_MONOTONIC) - wall);
    if (last - cpu < row.cpu_s) {
      row.cpu_s = last - cpu;
      row.taken_us = std::move(taken);
    }
  } while (seconds(CLOCK_MONOTONIC) - started < kPassSeconds);
  row.recall = recall_of(found, truth, asked);
  std::sort(row.taken_us.begin(), row.taken_us.end());
  return row;
}

void print_sweep(hnswlib::HierarchicalNSW<float>& index, Questions asked, std::size_t rows,
                 double selectivity, const int* truth) {
  if (selectivity < kFew) asked.count = std::min(asked.count, kQueriesOfFew);
  Allowed allowed(rows, selectivity);
  std::printf("{\"selectivity\": %g, \"sweep\": [", selectivity);
  const auto count = static_cast<double>(asked.count);
  for (const std::size_t ef : {10, 20, 40, 80, 160, 320, 640, 1280, 2560}) {
    const Row row = measured(index, allowed, asked, truth, std::max(ef, asked.k));
    std::printf(
        "%s{\"setting\": \"ef %zu\", \"recall\": %.5f, \"qps_cpu\": %.1f, \"qps_wall\": %.1f, "
        "\"p50_us\": %.1f, \"p99_us\": %.1f}",
        ef == 10 ? "" : ", ", row.ef, row.recall, count / row.cpu_s, count / row.wall_s,
        row.taken_us[asked.count / 2], row.taken_us[asked.count * 99 / 100]);
    if (row.recall > kRecallEnough || row.wall_s > kSettingSeconds) break;
  }
  std::printf("]}");
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 8) {
    std::fputs("usage: hnsw_filtered INDEX QUERIES TRUTH K N DIMENSIONS SELECTIVITY...\n", stderr);
    return 2;
  }
  const std::size_t rows = std::strtoul(arguments[5], nullptr, 10);
  Questions asked{.queries = read<float>(arguments[2]),
                  .count = 0,
                  .dimensions = std::strtoul(arguments[6], nullptr, 10),
                  .k = std::strtoul(arguments[4], nullptr, 10)};
  asked.count = asked.queries.size() / asked.dimensions;
  const std::vector<int> truth = read<int>(arguments[3]);
  hnswlib::InnerProductSpace space(asked.dimensions);
  hnswlib::HierarchicalNSW<float> index(&space, arguments[1]);
  std::printf("{\"memory_mb\": 0, \"filtered\": [");
  for (int at = 7; at < count; ++at) {
    if (at > 7) std::printf(", ");
    print_sweep(index, asked, rows, std::strtod(arguments[at], nullptr),
                truth.data() + static_cast<std::size_t>(at - 7) * asked.count * asked.k);
  }
  std::printf("]}\n");
  return 0;
}
