// Graph search: how fast the graph is built and walked, and what it finds, without an index around.
//
// usage: graph_search BASE.npy QUERIES.npy TRUTH.npy [degree width slack energy]   (cosine,
// float32)
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "ann/distance.h"
#include "ann/graph.h"
#include "npy_file.h"

namespace {

using selvedge::ann::CodeQuery;
using selvedge::ann::Codes;
using selvedge::ann::Graph;
using selvedge::ann::Quantizer;
using selvedge::ann::Slot;
using selvedge::ann::Space;

double cpu_s() {
  std::timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

using Array = selvedge::bench::NpyFile<float>;
using Truth = selvedge::bench::NpyFile<std::int32_t>;

struct Asked {
  double recall = 0;
  double per_s = 0;
  double hops = 0;
  double seen = 0;
};

// All queries once, the best `rescored` of each walk by float32.
Asked ask(const Codes& codes, const Graph& graph, Graph::Scratch& scratch, const float* values,
          const Array& queries, const Truth& truth, std::size_t width, std::size_t rescored) {
  const std::size_t dimensions = queries.columns;
  const double began = cpu_s();
  std::size_t found = 0;
  Asked asked;
  std::vector<std::pair<float, Slot>> exact;
  std::vector<Slot> slots;
  std::vector<float> scores;
  for (std::size_t at = 0; at < queries.rows; ++at) {
    const std::span<const float> query(queries.values.data() + at * dimensions, dimensions);
    const auto patience = std::max<std::size_t>(2, width * 3 / 10);
    graph.search(codes, codes.quantizer->query(query, scratch.query), {width, 16, patience},
                 scratch);
    asked.hops += static_cast<double>(scratch.hops);
    asked.seen += static_cast<double>(scratch.seen);
    const std::size_t some = std::min(rescored, scratch.candidates.size());
    slots.resize(some);
    scores.resize(some);
    exact.resize(some);
    for (std::size_t each = 0; each < some; ++each) slots[each] = scratch.candidates.slot(each);
    alignas(64) float padded[4096];
    std::copy(query.begin(), query.end(), padded);
    selvedge::ann::dot_chosen(padded, {values, dimensions}, slots, scores);
    for (std::size_t each = 0; each < some; ++each) exact[each] = {-scores[each], slots[each]};
    const std::size_t top = std::min<std::size_t>(10, some);
    std::partial_sort(exact.begin(), exact.begin() + static_cast<std::ptrdiff_t>(top), exact.end());
    for (std::size_t each = 0; each < top; ++each) {
      for (std::size_t right = 0; right < 10; ++right) {
        const auto slot = static_cast<Slot>(truth.values[at * truth.columns + right]);
        found += slot == exact[each].second ? 1U : 0U;
      }
    }
  }
  const auto count = static_cast<double>(queries.rows);
  asked.per_s = count / (cpu_s() - began);
  asked.recall = static_cast<double>(found) / count / 10;
  asked.hops /= count;
  asked.seen /= count;
  return asked;
}

}  // namespace

int main(int count, char** words) {
  if (count < 4)
    return std::fprintf(stderr,
                        "usage: graph_search BASE QUERIES TRUTH [degree width slack energy]\n"),
           2;
  const auto base = selvedge::bench::NpyFile<float>::read(words[1]);
  const auto queries = selvedge::bench::NpyFile<float>::read(words[2]);
  const auto truth = selvedge::bench::NpyFile<std::int32_t>::read(words[3]);
  if (!base || !queries || !truth) return std::fprintf(stderr, "cannot read the arrays\n"), 1;
  Graph::Shape shape;
  if (count > 4) shape.degree = std::stoul(words[4]);
  if (count > 5) shape.width = std::stoul(words[5]);
  if (count > 6) shape.slack = std::stof(words[6]);
  const double energy = count > 7 ? std::stod(words[7]) : 0.92;
  const std::size_t rows = base->rows;
  const std::size_t dimensions = base->columns;
  std::printf("kernels %s, %zu x %zu\n", std::string(selvedge::ann::kernels().name).c_str(), rows,
              dimensions);

  double began = cpu_s();
  std::vector<float> sample;
  for (std::size_t at = 0; at < rows; at += rows / 8000 + 1) {
    sample.insert(sample.end(), base->values.begin() + static_cast<std::ptrdiff_t>(at * dimensions),
                  base->values.begin() + static_cast<std::ptrdiff_t>((at + 1) * dimensions));
  }
  const auto quantizer = Quantizer::train(Space::distance, dimensions, sample, energy);
  std::printf("train %.2f s: %zu blocks, %zu coordinates, lost %.3f\n", cpu_s() - began,
              quantizer->blocks(), quantizer->coordinates(), quantizer->lost_share());
  Codes codes(quantizer, rows);
  codes.announce(rows);
  Graph graph(rows, shape);
  graph.announce(rows);
  Graph::Scratch scratch;
  std::vector<Slot> order(rows);
  std::iota(order.begin(), order.end(), Slot{0});
  std::mt19937 random(3);
  std::shuffle(order.begin(), order.end(), random);
  began = cpu_s();
  double encoding = 0;
  for (const Slot slot : order) {
    const std::span<const float> values(base->values.data() + slot * dimensions, dimensions);
    const double before = cpu_s();
    quantizer->encode(values, scratch.query, codes.head(slot), codes.rest(slot));
    encoding += cpu_s() - before;
    graph.link(codes, slot, quantizer->coordinate_query(scratch.query), scratch);
  }
  std::printf("build %.2f CPU-s, of it encoding %.2f\n", cpu_s() - began, encoding);

  // float32 in huge pages, as an index keeps it.
  selvedge::ann::ReservedArray<float> values(rows * dimensions);
  values.announce(rows * dimensions);
  std::copy(base->values.begin(), base->values.end(), values.data());
  for (const std::size_t width :
       {10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 100, 128, 160, 200, 256}) {
    const std::size_t rescored = std::min(width, 16 + width / 8);
    Asked best;
    for (int round = 0; round < 5; ++round) {
      const Asked asked =
          ask(codes, graph, scratch, values.data(), *queries, *truth, width, rescored);
      if (asked.per_s > best.per_s) best = asked;
    }
    std::printf("width %3zu rescored %3zu recall %.4f qps %.0f hops %.0f seen %.0f\n", width,
                rescored, best.recall, best.per_s, best.hops, best.seen);
    std::fflush(stdout);
  }
  return 0;
}
