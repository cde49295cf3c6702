// Usage ledger: what every key used of every model and index, by day.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/result.h"
#include "catalog/database.h"

namespace selvedge::catalog {

// What calls of a model used; all of it adds up.
struct ModelUse {
  std::int64_t calls = 0;
  double neurons = 0;  // At the published prices of the model that was asked for.
  std::int64_t input_tokens = 0;
  std::int64_t cached_tokens = 0;  // Of the input.
  std::int64_t output_tokens = 0;
  double audio_s = 0;
  std::int64_t pictures = 0;

  ModelUse& operator+=(const ModelUse& other);
};

// What calls of an index used: queries add up, of vectors the most that were there count.
struct VectorUse {
  std::int64_t queries = 0;
  std::int64_t dimensions = 0;  // Of one vector.
  std::int64_t vectors_most = 0;

  VectorUse& operator+=(const VectorUse& other);
};

struct ModelRow {
  std::string day;  // "2026-11-26", UTC.
  std::string account;
  std::string key;  // Never a token itself; empty: the call had none.
  std::string model;
  ModelUse use;
};

struct VectorRow {
  std::string day;
  std::string account;
  std::string index;
  VectorUse use;
};

// Thread-safe. add() and today() never wait for the disk; what they were told is on disk after the
// next flush(). A kill -9 loses what came since the last one. Belongs to the one server of a home
// folder.
//
// Tables of <home>/usage.db:
//   model_use(day, account, key, model, calls, neurons, input_tokens, cached_tokens,
//             output_tokens, audio_s, pictures), one row for the first four
//   index_use(day, account, index_name, queries, dimensions, vectors_most), one for the first three
class UsageLedger {
 public:
  using Clock = std::function<std::int64_t()>;  // Microseconds since 1970.

  // Errors: io, corrupt_data, unavailable.
  static Result<std::unique_ptr<UsageLedger>> open(const std::filesystem::path& home, Clock now_us);

  void add(std::string_view account, std::string_view key, std::string_view model,
           const ModelUse& use);
  void add(std::string_view account, std::string_view index, const VectorUse& use);

  // Neurons that the account used since 00:00 UTC.
  double neurons_today(std::string_view account) const;
  // Milliseconds until 00:00 UTC.
  std::int64_t ms_until_tomorrow() const;

  // Errors: io, corrupt_data, unavailable; then nothing is lost, and the next flush tries again.
  Status flush();

  // Rows of the days that begin with `days` ("2026-11", "2026-11-26"), in their order; flushes
  // first. Errors: as flush.
  Result<std::vector<ModelRow>> model_rows(std::string_view days);
  Result<std::vector<VectorRow>> index_rows(std::string_view days);

  // Today's, "2026-11-26".
  std::string today() const;

 private:
  using ModelKey = std::tuple<std::string, std::string, std::string, std::string>;
  using IndexKey = std::tuple<std::string, std::string, std::string>;

  Status write(const std::map<ModelKey, ModelUse>& models,
               const std::map<IndexKey, VectorUse>& indexes);
  Status load_today();

  Clock now_us_;
  mutable std::mutex new_mutex_;  // Guards what follows.
  std::map<ModelKey, ModelUse> new_models_;
  std::map<IndexKey, VectorUse> new_indexes_;
  mutable std::string counted_day_;
  mutable std::map<std::string, double, std::less<>> counted_;  // Neurons of counted_day_.
  std::mutex database_mutex_;  // Guards the database; taken before new_mutex_.
  std::unique_ptr<Database> database_;
};

}  // namespace selvedge::catalog
