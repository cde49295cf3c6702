// Deleted names: names of indexes that were dropped and not created since.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "vectors/database.h"

namespace selvedge::vectors {

// The newest `kept_max` of one store. Not thread-safe. A change goes into a batch first, and into
// memory when the batch is on disk.
class DeletedNames {
 public:
  static constexpr std::size_t kDefaultMax = 10'000;

  explicit DeletedNames(std::size_t kept_max = kDefaultMax) : kept_max_(kept_max) {}

  // Errors: io, corrupt_data.
  Status load(const Database& database);

  bool contains(std::string_view account, std::string_view name) const;

  // Errors: internal.
  Status write_add(rocksdb::WriteBatch& batch, std::string_view account,
                   std::string_view name) const;
  void add(std::string_view account, std::string_view name);

  Status write_remove(rocksdb::WriteBatch& batch, std::string_view account,
                      std::string_view name) const;
  void remove(std::string_view account, std::string_view name);

  std::size_t size() const { return numbers_.size(); }

 private:
  std::uint64_t next_number() const;

  std::size_t kept_max_;
  std::map<std::string, std::uint64_t, std::less<>> numbers_;  // By key; later ones are greater.
  std::map<std::uint64_t, std::string> keys_;
};

}  // namespace selvedge::vectors
