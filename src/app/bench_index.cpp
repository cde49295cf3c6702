// Writes rows in batches as a client would, beside the properties that filters need.
#include "app/bench_index.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>
#include <stdlib.h>

#include "api/metadata_properties.h"
#include "cli/progress_bar.h"

namespace selvedge::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDraw = "draw";  // The number that ranges are asked of.

std::string tag_name(std::size_t selectivity_at) { return "tag" + std::to_string(selectivity_at); }

// What filters ask for.
std::vector<std::pair<std::string, vectors::PropertyType>> properties_of(
    const BenchOptions& options) {
  std::vector<std::pair<std::string, vectors::PropertyType>> properties;
  for (std::size_t at = 0; at < options.selectivities.size(); ++at) {
    if (options.filter_by_tag) {
      properties.emplace_back(tag_name(at), vectors::PropertyType::boolean);
    } else if (at == 0) {
      properties.emplace_back(kDraw, vectors::PropertyType::number);
    }
  }
  return properties;
}

// JSON of what filters ask for; empty where there are none.
std::string metadata_of(const BenchOptions& options, std::uint64_t row) {
  if (options.selectivities.empty()) return {};
  const double draw = filter_draw(row);
  nlohmann::json properties = nlohmann::json::object();
  if (!options.filter_by_tag) {
    properties[kDraw] = draw;
    return properties.dump();
  }
  for (std::size_t at = 0; at < options.selectivities.size(); ++at) {
    properties[tag_name(at)] = draw < options.selectivities[at];
  }
  return properties.dump();
}

Result<fs::path> temporary_folder() {
  std::error_code failed;
  std::string pattern = (fs::temp_directory_path(failed) / "selvedge-bench-XXXXXX").string();
  if (failed || ::mkdtemp(pattern.data()) == nullptr) {
    return Error{Code::io, "cannot make a folder like " + pattern};
  }
  return fs::path(pattern);
}

std::size_t status_kb(const std::string& line) {
  return std::stoul(line.substr(line.find(':') + 1));
}

}  // namespace

double process_cpu_s() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double wall_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Result<std::unique_ptr<BenchIndex>> BenchIndex::build(const BenchOptions& options,
                                                      const BenchData& data, bool quiet,
                                                      BuildFigures& figures) {
  fs::path home = options.folder;
  if (home.empty()) {
    SEL_TRY(made, temporary_folder());
    home = made;
  }
  auto made = std::make_unique<BenchIndex>(Key(), std::move(home), options.folder.empty());
  SEL_CHECK_OK(made->open());
  figures.built = made->index_ == nullptr;
  if (figures.built) {
    SEL_CHECK_OK(made->create(options, data));
    const double cpu = process_cpu_s();
    const double wall = wall_s();
    SEL_CHECK_OK(made->insert_all(options, data, quiet));
    figures.insert_s = wall_s() - wall;
    figures.insert_per_s = static_cast<double>(data.rows()) / figures.insert_s;
    made->index_->settle();
    figures.wall_s = wall_s() - wall;
    figures.cpu_s = process_cpu_s() - cpu;
  } else if (made->index_->stats().vector_count != data.rows() ||
             made->index_->description().config.dimensions != data.dimensions()) {
    return Error{Code::already_exists,
                 options.folder.string() + " holds an index of other vectors"};
  } else if (!made->has_properties(options)) {
    return Error{Code::already_exists,
                 options.folder.string() + " holds an index that was made without these filters"};
  }
  figures.memory = memory_now(*made->index_);
  return made;
}

BenchIndex::~BenchIndex() {
  close();
  std::error_code ignored;
  if (temporary_) fs::remove_all(home_, ignored);
}

void BenchIndex::close() {
  index_.reset();
  store_.reset();
}

Status BenchIndex::open() {
  std::error_code failed;
  fs::create_directories(home_, failed);
  if (failed) return Error{Code::io, "cannot make " + home_.string() + ": " + failed.message()};
  SEL_TRY(store, vectors::Store::open(home_ / "vectors", api::read_metadata_properties));
  store_ = std::move(store);
  auto found = store_->find(kAccount, kName);
  if (found.ok()) {
    index_ = std::move(*found);
    return ok_status();
  }
  return found.error().code == Code::index_not_found ? ok_status() : Status(found.error());
}

Status BenchIndex::create(const BenchOptions& options, const BenchData& data) {
  const vectors::IndexConfig config{static_cast<std::uint32_t>(data.dimensions()), options.metric,
                                    ""};
  SEL_TRY(created, store_->create(kAccount, kName, "", config));
  SEL_TRY(index, store_->find(kAccount, kName));
  index_ = index;
  for (const auto& [property, type] : properties_of(options)) {
    SEL_TRY(made,
            index_->create_metadata_index(property, type, true, limits::metadata_indexes_max));
  }
  return ok_status();
}

bool BenchIndex::has_properties(const BenchOptions& options) const {
  const auto known = index_->metadata_indexes();
  return std::ranges::all_of(properties_of(options), [&](const auto& needed) {
    return std::ranges::any_of(known,
                               [&](const auto& each) { return each.property == needed.first; });
  });
}

Status BenchIndex::insert_all(const BenchOptions& options, const BenchData& data, bool quiet) {
  cli::ProgressBar bar("bench", quiet, "vectors");
  vectors::VectorBatch batch;
  batch.dimensions = data.dimensions();
  for (std::size_t from = 0; from < data.rows(); from += kBatch) {
    const std::size_t count = std::min(kBatch, data.rows() - from);
    batch.ids.clear();
    batch.metadata.clear();
    batch.values.resize(count * data.dimensions());
    batch.partitions.assign(count, std::nullopt);
    for (std::size_t at = 0; at < count; ++at) {
      batch.ids.push_back(std::to_string(from + at));
      batch.metadata.push_back(metadata_of(options, from + at));
      SEL_CHECK_OK(data.read(
          from + at, std::span(batch.values).subspan(at * data.dimensions(), data.dimensions())));
    }
    SEL_TRY(written, index_->insert(batch));
    bar.update(from + count, data.rows(), "inserting");
  }
  return ok_status();
}

BenchMemory memory_now(const vectors::Index& index) {
  BenchMemory memory{.internals = index.internals()};
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) memory.resident_bytes = status_kb(line) << 10;
    if (line.starts_with("RssAnon:")) memory.anonymous_bytes = status_kb(line) << 10;
  }
  return memory;
}

vectors::Filter bench_filter(const BenchOptions& options, std::size_t selectivity_at) {
  using vectors::Comparison;
  if (options.filter_by_tag) return {{{tag_name(selectivity_at), Comparison::eq, {true}}}};
  return {{{kDraw, Comparison::lt, {options.selectivities[selectivity_at]}}}};
}

double allowed_share(const BenchData& data, double selectivity) {
  std::size_t allowed = 0;
  for (std::size_t row = 0; row < data.rows(); ++row) {
    allowed += filter_draw(row) < selectivity ? 1 : 0;
  }
  return static_cast<double>(allowed) / static_cast<double>(data.rows());
}

}  // namespace selvedge::app
