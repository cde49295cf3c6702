// Store model: the meaning of each operation, and the comparison of a store with plain maps.
#include "store_model.h"

#include <algorithm>
#include <cmath>

namespace selvedge::crash {
namespace {

constexpr std::size_t kPage = 997;
constexpr std::size_t kNearest = 10;  // Asked for where not all are.
constexpr double kScoreError = 1e-4;  // Relative: float32 sums against double ones.

vectors::StoredVector stored_at(const vectors::VectorBatch& batch, std::size_t at) {
  const auto first = batch.values.begin() + static_cast<std::ptrdiff_t>(at * batch.dimensions);
  return {batch.ids[at], batch.partitions[at], batch.metadata[at],
          std::vector<float>(first, first + static_cast<std::ptrdiff_t>(batch.dimensions))};
}

bool same(const vectors::StoredVector& a, const vectors::StoredVector& b) {
  return a.id == b.id && a.partition == b.partition && a.metadata == b.metadata &&
         a.values == b.values;
}

bool same(const vectors::MetadataIndex& a, const vectors::MetadataIndex& b) {
  return a.property == b.property && a.type == b.type && a.written_after == b.written_after;
}

// A letter's value as an index of `type` has it: its text, empty for nothing.
std::string as_type(vectors::PropertyType type, char letter) {
  switch (type) {
    case vectors::PropertyType::string:
      return letter == 'a'                    ? "a"
             : letter == 't' || letter == 'T' ? "10"
             : letter == '3'                  ? "3"
             : letter == 'y'                  ? "true"
                                              : "";
    case vectors::PropertyType::number:
      return letter == 't' || letter == 'T' ? "10" : letter == '3' ? "03" : "";
    case vectors::PropertyType::boolean:
      return letter == 'y' ? "true" : "";
  }
  return "";
}

bool is_true(vectors::Comparison comparison, const std::string& value, const std::string& operand) {
  if (comparison == vectors::Comparison::ne) return value.empty() || value != operand;
  if (value.empty() || operand.empty()) return false;
  return comparison == vectors::Comparison::eq   ? value == operand
         : comparison == vectors::Comparison::lt ? value < operand
                                                 : value >= operand;
}

std::vector<float> probe() { return std::vector<float>(kDimensions, 60.0F); }

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t at = 0; at < a.size(); ++at) {
    const double apart = static_cast<double>(a[at]) - b[at];
    sum += apart * apart;
  }
  return std::sqrt(sum);
}

vectors::QueryOptions exhaustive(std::size_t count) {
  vectors::QueryOptions options;
  options.top_k = std::max<std::size_t>(count, 1);
  options.recall = 1.0F;
  return options;
}

// The ids of an exhaustive query, sorted; or the error.
Result<std::vector<std::string>> matching(const vectors::Index& index,
                                          const vectors::QueryOptions& options) {
  SEL_TRY(matches, index.query(probe(), options));
  std::vector<std::string> ids;
  for (const auto& match : matches) ids.push_back(match.id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace

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
  Index& index = indexes_[operation.index];
  switch (operation.kind) {
    case Kind::create:
      break;
    case Kind::drop:
      indexes_.erase(operation.index);
      deleted_.insert(operation.index);
      break;
    case Kind::describe:
      index.description = operation.description;
      break;
    case Kind::tune:
      index.recall = operation.recall;
      break;
    case Kind::create_property:
    case Kind::delete_property:
      return change_property(index, operation);
    case Kind::erase:
      ++index.mutation;
      for (const std::string& id : operation.batch.ids) index.stored.erase(id);
      break;
    case Kind::insert:
    case Kind::upsert:
      ++index.mutation;
      put(index, operation.batch, operation.kind == Kind::upsert);
      break;
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
    if (!replace && index.stored.contains(batch.ids[at])) continue;
    index.stored[batch.ids[at]] = {stored_at(batch, at), index.mutation};
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
  for (const std::string& name : deleted_) {
    const auto actual = store.find(account, name);
    if (actual.ok() || actual.error().code != Code::index_deleted) return name + " is not deleted";
  }
  return {};
}

std::string Model::difference(const vectors::Index& actual, const Index& expected) {
  if (actual.stats().mutation != expected.mutation) return "the mutation number";
  if (actual.description().description != expected.description) return "the description";
  if (actual.recall() != expected.recall) return "the recall";
  const auto properties = actual.metadata_indexes();
  if (!std::equal(properties.begin(), properties.end(), expected.properties.begin(),
                  expected.properties.end(),
                  [](const auto& a, const auto& b) { return same(a, b); })) {
    return "the metadata indexes";
  }
  std::string different = listing_difference(actual, expected);
  if (different.empty()) different = query_difference(actual, expected);
  if (different.empty()) different = filter_difference(actual, expected);
  return different;
}

std::string Model::listing_difference(const vectors::Index& actual, const Index& expected) {
  if (actual.stats().vector_count != expected.stored.size()) return "the number of vectors";
  std::vector<std::string> ids;
  for (const auto& [id, kept] : expected.stored) ids.push_back(id);
  std::vector<std::string> listed;
  std::string cursor;
  do {
    const auto page = actual.list_page(kPage, cursor);
    if (!page.ok()) return page.error().message;
    if (page.value().total_count != ids.size()) return "the count of a listing";
    listed.insert(listed.end(), page.value().ids.begin(), page.value().ids.end());
    cursor = page.value().next_cursor;
  } while (!cursor.empty());
  if (listed != ids) return "the list of ids";
  const auto stored = actual.get(ids);
  if (!stored.ok()) return stored.error().message;
  if (stored.value().size() != ids.size()) return "the vectors got by id";
  for (const auto& vector : stored.value()) {
    if (!same(vector, expected.stored.at(vector.id).vector)) return "vector " + vector.id;
  }
  return {};
}

std::string Model::query_difference(const vectors::Index& actual, const Index& expected) {
  vectors::QueryOptions options = exhaustive(expected.stored.size());
  options.with_values = true;
  options.with_metadata = true;
  const std::vector<float> from = probe();
  // First all of them; then an answer with the index's own recall.
  for (const bool all : {true, false}) {
    if (!all) options.recall = std::nullopt;
    if (!all) options.top_k = kNearest;
    const auto matches = actual.query(from, options);
    if (!matches.ok()) return matches.error().message;
    if (matches.value().size() != std::min(options.top_k, expected.stored.size())) {
      return "the number of matches";
    }
    std::set<std::string> seen;
    float last = 0;
    for (const auto& match : matches.value()) {
      const vectors::StoredVector found{match.id, match.partition, match.metadata, match.values};
      const auto known = expected.stored.find(match.id);
      if (known == expected.stored.end()) return "match " + match.id + " that does not exist";
      if (!same(found, known->second.vector)) return "match " + match.id;
      if (!seen.insert(match.id).second) return "match " + match.id + " twice";
      const double score = distance(from, match.values);
      if (std::abs(match.score - score) > kScoreError * score) return "the score of " + match.id;
      if (match.score < last) return "the order of matches";
      last = match.score;
    }
  }
  return {};
}

std::string Model::filter_difference(const vectors::Index& actual, const Index& expected) {
  vectors::QueryOptions options = exhaustive(expected.stored.size());
  for (const char* partition : {"0", "3"}) {
    options.partition = partition;
    std::vector<std::string> right;
    for (const auto& [id, kept] : expected.stored) {
      if (kept.vector.partition == partition) right.push_back(id);
    }
    const std::string different = allowed_difference(actual, options, right);
    if (!different.empty()) return "partition " + std::string(partition) + ": " + different;
  }
  options.partition = std::nullopt;
  using vectors::Comparison;
  for (const vectors::MetadataIndex& property : expected.properties) {
    const auto number = static_cast<unsigned>(property.property.at(1) - '0');
    for (const auto& [comparison, letter] :
         {std::pair{Comparison::eq, 'a'}, std::pair{Comparison::eq, 'T'},
          std::pair{Comparison::eq, 'y'}, std::pair{Comparison::ne, 'a'},
          std::pair{Comparison::ne, 'y'}, std::pair{Comparison::lt, 'T'},
          std::pair{Comparison::gte, '3'}}) {
      const std::string operand = as_type(property.type, letter);
      std::vector<std::string> right;
      for (const auto& [id, kept] : expected.stored) {
        const bool has = kept.mutation > property.written_after;
        const char held = has ? property_letter(kept.vector.metadata, number) : '-';
        if (is_true(comparison, as_type(property.type, held), operand)) right.push_back(id);
      }
      vectors::Condition condition{property.property, comparison, {letter_value(letter)}};
      options.filter = vectors::Filter{{std::move(condition)}};
      const std::string different = allowed_difference(actual, options, right);
      if (!different.empty()) return "a filter on " + property.property + ": " + different;
    }
  }
  return {};
}

// All of `right` and nothing else; then ten of them when the index's own recall is enough.
std::string Model::allowed_difference(const vectors::Index& actual, vectors::QueryOptions options,
                                      const std::vector<std::string>& right) {
  const auto all = matching(actual, options);
  if (!all.ok()) return all.error().message;
  if (all.value() != right) {
    return std::to_string(all.value().size()) + " instead of " + std::to_string(right.size());
  }
  options.top_k = kNearest;
  options.recall = std::nullopt;
  const auto nearest = matching(actual, options);
  if (!nearest.ok()) return nearest.error().message;
  const auto& ids = nearest.value();
  if (std::adjacent_find(ids.begin(), ids.end()) != ids.end()) return "a match twice";
  if (!std::includes(right.begin(), right.end(), ids.begin(), ids.end())) return "a false match";
  if (ids.size() != std::min(kNearest, right.size())) return "too few matches";
  return {};
}

std::uint64_t Model::vector_count() const {
  std::uint64_t count = 0;
  for (const auto& [name, index] : indexes_) count += index.stored.size();
  return count;
}

}  // namespace selvedge::crash
