// How soon an index answers after the start, from its derived files and from its records alone.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "vectors/rocks_store.h"

namespace {

using namespace selvedge::vectors;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

std::vector<float> random_values(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& each : values) each = normal(random);
  return values;
}

int fail(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  return 1;
}

// Without a graph: an index opens as quickly, but for the reading of it, and is made sooner.
RocksStore::Options options() {
  RocksStore::Options made;
  made.near.rows_min = static_cast<std::size_t>(-1);
  made.checkpoints.close_time_max = std::chrono::minutes(10);
  return made;
}

int make(const std::string& folder, std::size_t count, std::uint32_t dimensions) {
  constexpr std::size_t kBatch = 1'000;
  auto store = RocksStore::open(folder, options());
  if (!store.ok()) return fail(store.error().message);
  if (!(*store)->create("a", "docs", "", {dimensions, Metric::cosine, ""}).ok()) return 1;
  const auto index = (*store)->find("a", "docs").value();
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t first = 0; first < count; first += kBatch) {
    VectorBatch batch;
    batch.dimensions = dimensions;
    batch.values = random_values(kBatch * dimensions, static_cast<unsigned>(first));
    for (std::size_t at = 0; at < kBatch; ++at) {
      // In no order, as ids of the world are.
      const std::size_t number = (first + at) * 7'919 % count;
      batch.ids.push_back("document-" + std::to_string(number) + "-" + std::to_string(first + at));
      batch.partitions.emplace_back(std::nullopt);
      batch.metadata.push_back(R"({"title":"Some title of it","size":)" + std::to_string(at) + "}");
    }
    if (auto written = index->insert(batch); !written.ok()) return fail(written.error().message);
  }
  std::printf("written in %.1f s\n", seconds_since(begin));
  return 0;
}

int open(const std::string& folder) {
  auto begin = std::chrono::steady_clock::now();
  auto store = RocksStore::open(folder, options());
  if (!store.ok()) return fail(store.error().message);
  std::printf("store %.2f s, ", seconds_since(begin));
  begin = std::chrono::steady_clock::now();
  auto index = (*store)->find("a", "docs");
  if (!index.ok()) return fail(index.error().message);
  std::printf("index %.2f s, ", seconds_since(begin));
  const auto query = random_values((*index)->description().config.dimensions, 1);
  begin = std::chrono::steady_clock::now();
  if (!(*index)->query(query, {}).ok()) return 1;
  std::printf("first query %.2f s, ", seconds_since(begin));
  begin = std::chrono::steady_clock::now();
  if (!(*index)->query(query, {}).ok()) return 1;
  std::printf("second %.3f s, %s; ", seconds_since(begin),
              (*index)->internals().mapped_bytes > 0 ? "mapped" : "from the records");
  index->reset();
  begin = std::chrono::steady_clock::now();
  store->reset();
  std::printf("closed in %.2f s\n", seconds_since(begin));
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> given(arguments + 1, arguments + count);
  if (given.size() == 4 && given[1] == "make") {
    return make(given[0], std::stoul(given[2]), static_cast<std::uint32_t>(std::stoul(given[3])));
  }
  if (given.size() == 2 && given[1] == "open") return open(given[0]);
  return fail("open_index FOLDER make VECTORS DIMENSIONS | open_index FOLDER open");
}
