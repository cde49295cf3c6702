// BenchIndex: an index in a folder of its own, and what it took to build.
#pragma once

#include <filesystem>
#include <memory>

#include "app/bench_data.h"
#include "base/result.h"
#include "vectors/store.h"

namespace selvedge::app {

// What an index in memory takes now, in bytes.
struct BenchMemory {
  vectors::Internals internals;
  std::size_t resident_bytes = 0;   // Of the whole process, mapped files included.
  std::size_t anonymous_bytes = 0;  // Of it, what is no file.
};

struct BuildFigures {
  bool built = true;  // False: it was there.
  double cpu_s = 0;   // From the first insert until it is settled.
  double wall_s = 0;
  double insert_s = 0;  // Wall, until the last insert returned.
  double insert_per_s = 0;
  BenchMemory memory;
};

// CPU seconds of this process up to now.
double process_cpu_s();
double wall_s();

class BenchIndex {
  struct Key {};

 public:
  static constexpr const char* kAccount = "bench";
  static constexpr const char* kName = "vectors";
  static constexpr std::size_t kBatch = 1'000;

  // Inserts all rows; ids are their numbers. `options.folder` with an index of as many vectors:
  // takes that. `quiet`: no progress on stderr. Errors: those of Store, io.
  static Result<std::unique_ptr<BenchIndex>> build(const BenchOptions& options,
                                                   const BenchData& data, bool quiet,
                                                   BuildFigures& figures);
  // `build` is the way to one.
  BenchIndex(Key, std::filesystem::path home, bool temporary)
      : home_(std::move(home)), temporary_(temporary) {}
  ~BenchIndex();
  BenchIndex(const BenchIndex&) = delete;
  BenchIndex& operator=(const BenchIndex&) = delete;

  vectors::Index& index() { return *index_; }

  // A server may have the folder between the two. Errors: those of Store::open.
  void close();
  Status open();
  // Of a server that shall serve the index.
  const std::filesystem::path& home() const { return home_; }

 private:
  Status create(const BenchOptions& options, const BenchData& data);
  // Whether filters of these options find anything in an index that was there.
  bool has_properties(const BenchOptions& options) const;
  Status insert_all(const BenchOptions& options, const BenchData& data, bool quiet);

  std::filesystem::path home_;
  bool temporary_;
  std::unique_ptr<vectors::Store> store_;
  std::shared_ptr<vectors::Index> index_;
};

BenchMemory memory_now(const vectors::Index& index);

// The filter that allows rows of this selectivity, and the share that it really allows.
vectors::Filter bench_filter(const BenchOptions& options, std::size_t selectivity_at);
double allowed_share(const BenchData& data, double selectivity);

}  // namespace selvedge::app
