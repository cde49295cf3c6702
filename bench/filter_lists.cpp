// Filter lists: microseconds to find what a filter allows, by lists and row by row.
//
// filter_lists [--rows 120000,1000000] [--seed 1] [--json]
//
// The rows have k (text, 100 values alike), n (number, all different), b (truth, half), r (number,
// 5 values) and one of 50 partitions, at random. Times are CPU time of this thread, the least of
// five; "at first", of what these lists were not asked before, of three. "with more": by lists,
// asked again, when a sixteenth of the rows came in since they were built.
#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <time.h>

#include "vectors/allowed_rows.h"
#include "vectors/compiled_filter.h"
#include "vectors/property_lists.h"
#include "vectors/rows.h"

namespace selvedge::bench {
namespace {

using vectors::Comparison;
using vectors::Filter;
using vectors::PropertyType;

double cpu_us() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
}

// Of one call.
double least_us(int calls, const std::function<void()>& call) {
  double least = 0;
  for (int turn = 0; turn < 5; ++turn) {
    const double began = cpu_us();
    for (int at = 0; at < calls; ++at) call();
    const double us = (cpu_us() - began) / calls;
    if (turn == 0 || us < least) least = us;
  }
  return least;
}

struct Case {
  const char* name;
  Filter filter;
  bool partition = false;
};

std::vector<Case> cases() {
  const vectors::Condition k{"k", Comparison::eq, {"v42"}};
  const vectors::Condition from{"n", Comparison::gte, {0.42}};
  const vectors::Condition to{"n", Comparison::lt, {0.52}};
  const vectors::Condition truth{"b", Comparison::eq, {true}};
  return {
      {"k, 1%", {{k}}},
      {"k of 10, 10%",
       {{{"k", Comparison::in, {"v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10"}}}}},
      {"not k, 99%", {{{"k", Comparison::ne, {"v42"}}}}},
      {"n in a range, 10%", {{from, to}}},
      {"n above, 58%", {{from}}},
      {"n in a range, 0.01%", {{{"n", Comparison::gt, {0.5}}, {"n", Comparison::lt, {0.5001}}}}},
      {"r, 20%", {{{"r", Comparison::eq, {3.0}}}}},
      {"b, 50%", {{truth}}},
      {"k and n, 0.1%", {{k, from, to}}},
      {"n and b, 5%", {{from, to, truth}}},
      {"k or n, 11%", {{}, {{false, {{{k}}, {{from, to}}}}}}},
      {"k contains, 11%", {{{"k", Comparison::contains, {"v4"}}}}},
      {"partition, 2%", {}, true},
      {"partition and n, 0.2%", {{from, to}}, true},
  };
}

// Rows `first` to before `end`.
void fill(vectors::Rows& rows, std::size_t first, std::size_t end, vectors::MutationNumber mutation,
          std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> unit;
  std::vector<vectors::PropertyValue> values(4);
  for (std::size_t at = first; at < end; ++at) {
    values[0] = "v" + std::to_string(random() % 100);
    values[1] = unit(random);
    values[2] = random() % 2 == 0;
    values[3] = static_cast<double>(random() % 5);
    rows.put(std::to_string(at), std::array<float, 1>{1}, "n" + std::to_string(random() % 50),
             mutation, values);
  }
}

// A case as it is asked.
struct Asked {
  Asked(const Case& of, const vectors::Properties& properties) : filter(of.filter, properties) {
    if (!of.filter.empty()) restriction.filter = &filter;
    if (of.partition) restriction.partition = 7;
  }
  Asked(const Asked&) = delete;
  Asked& operator=(const Asked&) = delete;

  vectors::CompiledFilter filter;
  vectors::Restriction restriction;
};

// What each case takes that was not asked before: the least of some times, each of new lists.
std::vector<double> first_us(const vectors::Snapshot& snapshot, const std::vector<Case>& cases) {
  std::vector<double> least(cases.size(), std::numeric_limits<double>::infinity());
  for (int time = 0; time < 3; ++time) {
    const auto lists = vectors::PropertyLists::build(snapshot);
    for (std::size_t at = 0; at < cases.size(); ++at) {
      const Asked asked(cases[at], *snapshot.properties);
      const double began = cpu_us();
      vectors::allowed_rows(snapshot, lists.get(), asked.restriction);
      least[at] = std::min(least[at], cpu_us() - began);
    }
  }
  return least;
}

void measure(std::size_t count, std::uint64_t seed, bool json) {
  const auto properties = std::make_shared<const vectors::Properties>(
      std::vector<vectors::MetadataIndex>{{"k", PropertyType::string, 0},
                                          {"n", PropertyType::number, 0},
                                          {"b", PropertyType::boolean, 0},
                                          {"r", PropertyType::number, 0}});
  vectors::Rows rows(1);
  for (std::size_t at = 0; at < properties->size(); ++at) {
    rows.install_column(rows.draft_column(properties->indexes()[at].type), at);
  }
  fill(rows, 0, count, 1, seed);
  const auto snapshot = rows.snapshot({count, 1, 0}, properties);
  std::shared_ptr<const vectors::PropertyLists> lists;
  const double build_us = least_us(1, [&] { lists = vectors::PropertyLists::build(*snapshot); });
  const double bytes = static_cast<double>(lists->bytes()) / static_cast<double>(count);
  const std::size_t end = count + count / 16;
  fill(rows, count, end, 2, seed + 1);
  const auto later = rows.snapshot({end, 2, 0}, properties);
  if (json) {
    std::printf("{\"rows\":%zu,\"build_ms\":%.1f,\"bytes_per_row\":%.1f,\"cases\":[", count,
                build_us / 1e3, bytes);
  } else {
    std::printf("%zu rows: built in %.0f ms, %.1f bytes a row\n", count, build_us / 1e3, bytes);
  }
  bool first = true;
  const std::vector<double> firsts = first_us(*snapshot, cases());
  std::size_t number = 0;
  for (const Case& each : cases()) {
    const Asked asked(each, *properties);
    const auto ask = [&](const vectors::Snapshot& seen, const vectors::PropertyLists* by) {
      return vectors::allowed_rows(seen, by, asked.restriction).count_most();
    };
    const double first_time = firsts[number++];
    const std::size_t found = ask(*snapshot, lists.get());
    if (found != ask(*snapshot, nullptr) || ask(*later, lists.get()) != ask(*later, nullptr)) {
      std::fprintf(stderr, "%s: the two disagree\n", each.name);
    }
    const double by_lists = least_us(50, [&] { ask(*snapshot, lists.get()); });
    const double with_more = least_us(10, [&] { ask(*later, lists.get()); });
    const double by_rows = least_us(2, [&] { ask(*snapshot, nullptr); });
    if (json) {
      std::printf("%s{\"name\":\"%s\",\"found\":%zu,\"first_us\":%.1f,\"again_us\":%.1f,",
                  first ? "" : ",", each.name, found, first_time, by_lists);
      std::printf("\"with_more_us\":%.1f,\"rows_us\":%.1f}", with_more, by_rows);
    } else {
      std::printf(
          "  %-22s %8zu found  %8.1f us at first  %6.1f again  %8.1f with more  %9.1f by rows\n",
          each.name, found, first_time, by_lists, with_more, by_rows);
    }
    first = false;
  }
  if (json) std::printf("]}\n");
}

int run(const std::vector<std::string>& words) {
  std::vector<std::size_t> counts = {120'000, 1'000'000};
  std::uint64_t seed = 1;
  bool json = false;
  for (std::size_t at = 0; at < words.size(); ++at) {
    const bool more = at + 1 < words.size();
    if (words[at] == "--json") {
      json = true;
    } else if (words[at] == "--seed" && more) {
      seed = std::stoull(words[++at]);
    } else if (words[at] == "--rows" && more) {
      counts.clear();
      for (std::string left = words[++at] + ","; !left.empty();) {
        counts.push_back(std::stoull(left.substr(0, left.find(','))));
        left.erase(0, left.find(',') + 1);
      }
    } else {
      std::fprintf(stderr, "usage: filter_lists [--rows 120000,1000000] [--seed 1] [--json]\n");
      return 2;
    }
  }
  for (const std::size_t count : counts) measure(count, seed, json);
  return 0;
}

}  // namespace
}  // namespace selvedge::bench

int main(int count, char** words) { return selvedge::bench::run({words + 1, words + count}); }
