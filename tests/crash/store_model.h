// Store model: what one account of a store must hold after some operations, kept in plain maps.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "vectors/store.h"
#include "workload.h"

namespace selvedge::crash {

// Told by the meaning of the operations alone; knows nothing of how a store does them.
class Model {
 public:
  // What `perform` must answer.
  std::optional<Code> apply(const Operation& operation);

  // Empty when the account holds exactly this; else what is different. Looks at everything a reader
  // can ask: definitions, counts, listings, vectors by id, all matches of an exhaustive query with
  // their scores, filters and partitions, and whether approximate answers are true ones.
  std::string difference(vectors::Store& store, const std::string& account) const;

  std::uint64_t vector_count() const;

 private:
  struct Kept {
    vectors::StoredVector vector;
    vectors::MutationNumber mutation = 0;
  };
  struct Index {
    vectors::MutationNumber mutation = 0;
    std::string description;
    float recall = vectors::kRecallDefault;
    std::map<std::string, Kept> stored;
    std::vector<vectors::MetadataIndex> properties;
  };
  static std::optional<Code> change_property(Index& index, const Operation& operation);
  static void put(Index& index, const vectors::VectorBatch& batch, bool replace);
  static std::string difference(const vectors::Index& actual, const Index& expected);
  static std::string listing_difference(const vectors::Index& actual, const Index& expected);
  static std::string query_difference(const vectors::Index& actual, const Index& expected);
  static std::string filter_difference(const vectors::Index& actual, const Index& expected);
  static std::string allowed_difference(const vectors::Index& actual, vectors::QueryOptions options,
                                        const std::vector<std::string>& right);

  std::map<std::string, Index> indexes_;
  std::set<std::string> deleted_;
};

}  // namespace selvedge::crash
