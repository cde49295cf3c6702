// New vectors are mixed of two rows: they lie where the others do, and are none of them.
#include "app/bench_live.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <utility>

#include "app/bench_index.h"
#include "app/bench_queries.h"
#include "cli/progress_bar.h"

namespace selvedge::app {
namespace {

constexpr std::size_t kSingles = 300;
constexpr std::size_t kBatches = 40;
constexpr int kTriesMax = 1'000;  // Until a write counts as never seen.
// A vector with ten times the length is its own nearest by the dot product, too.
constexpr float kStretch = 10;

// Makes vectors that were not there, each time others.
class Newcomers {
 public:
  explicit Newcomers(const BenchData& data) : data_(data), other_(data.dimensions()) {}

  // Errors: those of BenchData::read.
  Status make(std::size_t count, float stretch, vectors::VectorBatch& batch) {
    const std::size_t dimensions = data_.dimensions();
    batch.dimensions = dimensions;
    batch.ids.clear();
    batch.metadata.assign(count, "");
    batch.partitions.assign(count, std::nullopt);
    batch.values.resize(count * dimensions);
    for (std::size_t at = 0; at < count; ++at, ++made_) {
      batch.ids.push_back(kPrefix + std::to_string(made_));
      const auto values = std::span(batch.values).subspan(at * dimensions, dimensions);
      SEL_CHECK_OK(data_.read(made_ % data_.rows(), values));
      SEL_CHECK_OK(data_.read(partner(), other_));
      for (std::size_t each = 0; each < dimensions; ++each) {
        values[each] = (0.5F * values[each] + 0.45F * other_[each]) * stretch;
      }
    }
    return ok_status();
  }

  // All that were made. Errors: those of Index::erase.
  Status erase(vectors::Index& index) const {
    std::vector<std::string> ids;
    for (std::size_t at = 0; at < made_; ++at) {
      ids.push_back(kPrefix + std::to_string(at));
      if (ids.size() < BenchIndex::kBatch && at + 1 < made_) continue;
      SEL_TRY(erased, index.erase(ids));
      ids.clear();
    }
    index.settle();
    return ok_status();
  }

 private:
  static constexpr const char* kPrefix = "newcomer-";

  const BenchData& data_;
  std::vector<float> other_;
  // Another row than the vector's own, and one that comes with it once.
  std::size_t partner() const {
    const std::size_t rows = data_.rows();
    const std::size_t lap = made_ / rows;
    const std::size_t step = 1 + (made_ * 7'919 + lap * 13) % std::max<std::size_t>(rows - 1, 1);
    return (made_ + step) % rows;
  }

  std::size_t made_ = 0;
};

// Latencies of queries for so many seconds.
Result<std::vector<float>> ask_for(const vectors::Index& index, const BenchData& data,
                                   const BenchOptions& options, double seconds) {
  const vectors::QueryOptions query{.top_k = options.top_k};
  std::vector<float> us;
  const double begun = wall_s();
  double last = begun;
  for (std::size_t at = 0; last - begun < seconds; at = (at + 1) % data.query_count()) {
    SEL_TRY(matches, index.query(data.query(at), query));
    const double now = wall_s();
    us.push_back(static_cast<float>((now - last) * 1e6));
    last = now;
  }
  return us;
}

Status measure_beside_inserts(vectors::Index& index, const BenchData& data,
                              const BenchOptions& options, Newcomers& newcomers,
                              LiveFigures& figures) {
  SEL_TRY(quiet, ask_for(index, data, options, options.live_s));
  figures.quiet_p50_us = percentile(quiet, 0.5);
  figures.quiet_p99_us = percentile(quiet, 0.99);
  std::atomic<std::size_t> written{0};
  Status outcome = ok_status();
  const double begun = wall_s();
  std::jthread writer([&](const std::stop_token& stop) {
    vectors::VectorBatch batch;
    while (!stop.stop_requested() && outcome.ok()) {
      outcome = newcomers.make(BenchIndex::kBatch, 1, batch);
      if (!outcome.ok()) return;
      auto mutation = index.insert(batch);
      if (!mutation.ok()) outcome = mutation.error();
      written += batch.ids.size();
    }
  });
  auto busy = ask_for(index, data, options, options.live_s);
  figures.inserts_per_s = static_cast<double>(written) / (wall_s() - begun);
  writer.request_stop();
  writer.join();
  SEL_CHECK_OK(outcome);
  SEL_TRY(latencies, std::move(busy));
  figures.busy_p50_us = percentile(latencies, 0.5);
  figures.busy_p99_us = percentile(latencies, 0.99);
  return ok_status();
}

// Milliseconds from the write until a query returned the last vector of `batch`.
Result<float> time_write(vectors::Index& index, const vectors::VectorBatch& batch,
                         LiveFigures& figures) {
  const auto last = std::span(batch.values).last(batch.dimensions);
  const double begun = wall_s();
  SEL_TRY(mutation, index.insert(batch));
  for (int tries = 0; tries < kTriesMax; ++tries) {
    SEL_TRY(matches, index.query(last, {.top_k = 1}));
    if (!matches.empty() && matches.front().id == batch.ids.back()) {
      figures.seen_late += tries > 0 ? 1 : 0;
      ++figures.writes_timed;
      return static_cast<float>((wall_s() - begun) * 1e3);
    }
  }
  return Error{Code::internal,
               "the vector \"" + batch.ids.back() + "\" was written, and queries do not return it"};
}

Result<std::vector<float>> time_writes(vectors::Index& index, Newcomers& newcomers,
                                       std::size_t times, std::size_t count, LiveFigures& figures) {
  vectors::VectorBatch batch;
  std::vector<float> ms;
  for (std::size_t at = 0; at < times; ++at) {
    SEL_CHECK_OK(newcomers.make(count, kStretch, batch));
    SEL_TRY(took, time_write(index, batch, figures));
    ms.push_back(took);
  }
  return ms;
}

}  // namespace

Result<LiveFigures> measure_live(vectors::Index& index, const BenchData& data,
                                 const BenchOptions& options, bool quiet) {
  LiveFigures figures;
  cli::ProgressBar bar("bench", quiet, "parts");
  bar.update(0, 3, "live");
  Newcomers newcomers(data);
  SEL_TRY(singles, time_writes(index, newcomers, kSingles, 1, figures));
  figures.single_p50_ms = percentile(singles, 0.5);
  figures.single_p99_ms = percentile(singles, 0.99);
  bar.update(1, 3, "live");
  SEL_TRY(batches, time_writes(index, newcomers, kBatches, BenchIndex::kBatch, figures));
  figures.batch_p50_ms = percentile(batches, 0.5);
  figures.batch_p99_ms = percentile(batches, 0.99);
  bar.update(2, 3, "live");
  index.settle();
  SEL_CHECK_OK(measure_beside_inserts(index, data, options, newcomers, figures));
  SEL_CHECK_OK(newcomers.erase(index));
  bar.update(3, 3, "live");
  return figures;
}

}  // namespace selvedge::app
