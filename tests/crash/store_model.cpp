// Store model: operations from numbers, and the comparison of a store with plain maps.
#include "store_model.h"

#include <algorithm>
#include <random>

namespace selvedge::crash {
namespace {

constexpr std::uint32_t kDimensions = 48;
constexpr unsigned kIds = 300;
constexpr std::size_t kPropertiesMax = 2;
constexpr std::size_t kPage = 1'000;

vectors::StoredVector stored_at(const vectors::VectorBatch& batch, std::size_t at) {
  const auto first = batch.values.begin() + static_cast<std::ptrdiff_t>(at * batch.dimensions);
  return {batch.ids[at], batch.partitions[at], batch.metadata[at],
          std::vector<float>(first, first + static_cast<std::ptrdiff_t>(batch.dimensions))};
}

bool same(const vectors::StoredVector& a, const vectors::StoredVector& b) {
  return a.id == b.id && a.partition == b.partition && a.metadata == b.metadata &&
         a.values == b.values;
}

Result<vectors::MutationNumber> write(vectors::Index& index, const Operation& operation) {
  const vectors::MetadataIndex& property = operation.property;
  switch (operation.kind) {
    case Kind::insert:
      return index.insert(operation.batch);
    case Kind::upsert:
      return index.upsert(operation.batch);
    case Kind::erase:
      return index.erase(operation.batch.ids);
    case Kind::create_property:
      return index.create_metadata_index(property.property, property.type, operation.with_written,
                                         kPropertiesMax);
    case Kind::delete_property:
      return index.delete_metadata_index(property.property);
    case Kind::create:
    case Kind::drop:
      break;
  }
  return Error{Code::internal, "not a write"};
}

bool same(const vectors::MetadataIndex& a, const vectors::MetadataIndex& b) {
  return a.property == b.property && a.type == b.type && a.written_after == b.written_after;
}

}  // namespace

Operation operation(std::uint64_t seed, unsigned writer, std::uint64_t number) {
  std::seed_seq mixed{seed, std::uint64_t{writer}, number};
  std::mt19937 random(mixed);
  Operation made;
  const auto dice = random() % 42;
  made.kind = dice == 0   ? Kind::drop
              : dice > 40 ? Kind::delete_property
              : dice > 39 ? Kind::create_property
              : dice < 4  ? Kind::create
              : dice < 16 ? Kind::insert
              : dice < 30 ? Kind::upsert
                          : Kind::erase;
  made.index = "index " + std::to_string(random() % 3);
  if (made.kind == Kind::create || made.kind == Kind::drop) return made;
  made.property.property = "property " + std::to_string(random() % 3);
  made.property.type = static_cast<vectors::PropertyType>(random() % 3);
  made.with_written = random() % 2 == 0;
  if (made.kind == Kind::create_property || made.kind == Kind::delete_property) return made;
  const std::size_t count = 1 + random() % (random() % 8 == 0 ? 200 : 20);
  made.batch.dimensions = kDimensions;
  for (std::size_t at = 0; at < count; ++at) {
    made.batch.ids.push_back("id " + std::to_string(random() % kIds));
    made.batch.metadata.push_back(std::to_string(number) + std::string(random() % 200, 'm'));
    made.batch.partitions.emplace_back(std::nullopt);
    if (random() % 2 == 0) made.batch.partitions.back() = std::to_string(random() % 5);
    for (std::uint32_t dimension = 0; dimension < kDimensions; ++dimension) {
      made.batch.values.push_back(static_cast<float>(random() % 1000) / 8);
    }
  }
  return made;
}

std::optional<Code> perform(vectors::Store& store, const std::string& account,
                            const Operation& operation) {
  if (operation.kind == Kind::create) {
    const auto made =
        store.create(account, operation.index, "", {kDimensions, vectors::Metric::euclidean, ""});
    return made.ok() ? std::nullopt : std::optional(made.error().code);
  }
  if (operation.kind == Kind::drop) {
    const auto dropped = store.drop(account, operation.index);
    return dropped.ok() ? std::nullopt : std::optional(dropped.error().code);
  }
  const auto index = store.find(account, operation.index);
  if (!index.ok()) return index.error().code;
  const auto mutation = write(*index.value(), operation);
  return mutation.ok() ? std::nullopt : std::optional(mutation.error().code);
}

std::optional<Code> Model::apply(const Operation& operation) {
  const bool known = indexes_.contains(operation.index);
  if (operation.kind == Kind::create) {
    if (known) return Code::index_already_exists;
    indexes_[operation.index];
    deleted_.erase(operation.index);
    return std::nullopt;
  }
  if (!known) {
    return deleted_.contains(operation.index) ? Code::index_deleted : Code::index_not_found;
  }
  if (operation.kind == Kind::drop) {
    indexes_.erase(operation.index);
    deleted_.insert(operation.index);
    return std::nullopt;
  }
  Index& index = indexes_[operation.index];
  if (operation.kind == Kind::create_property || operation.kind == Kind::delete_property) {
    return change_property(index, operation);
  }
  ++index.mutation;
  if (operation.kind == Kind::erase) {
    for (const std::string& id : operation.batch.ids) index.stored.erase(id);
  } else {
    put(index, operation.batch, operation.kind == Kind::upsert);
  }
  return std::nullopt;
}

std::optional<Code> Model::change_property(Index& index, const Operation& operation) {
  const auto known = std::find_if(index.properties.begin(), index.properties.end(),
                                  [&operation](const vectors::MetadataIndex& each) {
                                    return each.property == operation.property.property;
                                  });
  if (operation.kind == Kind::delete_property) {
    if (known == index.properties.end()) return Code::metadata_index_not_found;
    index.properties.erase(known);
    ++index.mutation;
    return std::nullopt;
  }
  vectors::MetadataIndex made = operation.property;
  made.written_after = operation.with_written ? 0 : index.mutation + 1;
  if (known == index.properties.end()) {
    if (index.properties.size() == kPropertiesMax) return Code::too_many_metadata_indexes;
    index.properties.push_back(made);
  } else if (known->type != made.type || operation.with_written) {
    *known = made;
  }
  ++index.mutation;
  return std::nullopt;
}

void Model::put(Index& index, const vectors::VectorBatch& batch, bool replace) {
  for (std::size_t at = 0; at < batch.ids.size(); ++at) {
    if (replace) {
      index.stored[batch.ids[at]] = stored_at(batch, at);
    } else {
      index.stored.emplace(batch.ids[at], stored_at(batch, at));
    }
  }
}

std::string Model::difference(vectors::Store& store, const std::string& account) const {
  const auto listed = store.list(account);
  if (listed.size() != indexes_.size()) return "the number of indexes";
  for (const auto& [name, expected] : indexes_) {
    const auto actual = store.find(account, name);
    if (!actual.ok()) return name + ": " + actual.error().message;
    const std::string different = difference(*actual.value(), expected);
    if (!different.empty()) return name + ": " + different;
  }
  return {};
}

std::string Model::difference(vectors::Index& actual, const Index& expected) {
  if (actual.stats().mutation != expected.mutation) return "the mutation number";
  if (actual.stats().vector_count != expected.stored.size()) return "the number of vectors";
  const auto properties = actual.metadata_indexes();
  if (!std::equal(properties.begin(), properties.end(), expected.properties.begin(),
                  expected.properties.end(),
                  [](const auto& a, const auto& b) { return same(a, b); })) {
    return "the metadata indexes";
  }
  std::vector<std::string> ids;
  for (const auto& [id, vector] : expected.stored) ids.push_back(id);
  const auto page = actual.list("", kPage);
  if (!page.ok()) return page.error().message;
  if (page.value().ids != ids) return "the list of ids";
  const auto stored = actual.get(ids);
  if (!stored.ok()) return stored.error().message;
  if (stored.value().size() != ids.size()) return "the vectors got by id";
  for (const auto& vector : stored.value()) {
    if (!same(vector, expected.stored.at(vector.id))) return "vector " + vector.id;
  }
  vectors::QueryOptions all;
  all.top_k = kPage;
  all.with_values = true;
  all.with_metadata = true;
  const auto matches = actual.query(std::vector<float>(kDimensions, 1.0F), all);
  if (!matches.ok()) return matches.error().message;
  if (matches.value().size() != ids.size()) return "the number of matches";
  for (const auto& match : matches.value()) {
    const vectors::StoredVector found{match.id, match.partition, match.metadata, match.values};
    const auto known = expected.stored.find(match.id);
    if (known == expected.stored.end() || !same(found, known->second)) return "match " + match.id;
  }
  return {};
}

std::uint64_t Model::vector_count() const {
  std::uint64_t count = 0;
  for (const auto& [name, index] : indexes_) count += index.stored.size();
  return count;
}

}  // namespace selvedge::crash
