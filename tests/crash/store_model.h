// Store model: the operations of the crash test, and what a store must hold after some of them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "vectors/store.h"

namespace selvedge::crash {

enum class Kind : std::uint8_t {
  create,
  drop,
  insert,
  upsert,
  erase,
  create_property,
  delete_property
};

struct Operation {
  Kind kind = Kind::create;
  std::string index;
  vectors::VectorBatch batch;       // For erase: its ids.
  vectors::MetadataIndex property;  // Of the last two kinds.
  bool with_written = false;
};

// Operation `number` of a writer. The same arguments always give the same operation.
Operation operation(std::uint64_t seed, unsigned writer, std::uint64_t number);

// Does it. The code of the error, or nothing.
std::optional<Code> perform(vectors::Store& store, const std::string& account,
                            const Operation& operation);

// What one account of a store holds, told by the meaning of the operations alone.
class Model {
 public:
  // What `perform` must answer.
  std::optional<Code> apply(const Operation& operation);

  // Empty when the account holds exactly this; else what is different.
  std::string difference(vectors::Store& store, const std::string& account) const;

  std::uint64_t vector_count() const;

 private:
  struct Index {
    vectors::MutationNumber mutation = 0;
    std::map<std::string, vectors::StoredVector> stored;
    std::vector<vectors::MetadataIndex> properties;
  };
  static std::optional<Code> change_property(Index& index, const Operation& operation);
  static void put(Index& index, const vectors::VectorBatch& batch, bool replace);
  static std::string difference(vectors::Index& actual, const Index& expected);

  std::map<std::string, Index> indexes_;
  std::set<std::string> deleted_;
};

}  // namespace selvedge::crash
