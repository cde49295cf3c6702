// Workload: a random generator of its own for each operation.
#include "workload.h"

#include <charconv>
#include <chrono>
#include <random>
#include <utility>

#include "vectors/rocks_store.h"

namespace selvedge::crash {
namespace {

constexpr unsigned kIndexes = 3;
constexpr unsigned kIds = 300;
constexpr unsigned kIdsLarge = 6'000;
constexpr unsigned kKinds = 45;  // Sides of the dice.

void add_vectors(std::mt19937& random, bool large, Operation& made) {
  const bool many = random() % 8 == 0;
  const std::size_t most = large ? (many ? 1'500 : 60) : (many ? 200 : 20);
  const std::size_t count = 1 + random() % most;
  made.batch.dimensions = kDimensions;
  for (std::size_t at = 0; at < count; ++at) {
    made.batch.ids.push_back("id " + std::to_string(random() % (large ? kIdsLarge : kIds)));
    std::string metadata = std::to_string(made.number) + ";";
    for (unsigned property = 0; property < kProperties; ++property) {
      metadata += kLetters[random() % kLetters.size()];
    }
    made.batch.metadata.push_back(metadata + ";" + std::string(random() % 200, 'm'));
    made.batch.partitions.emplace_back(std::nullopt);
    if (random() % 2 == 0) made.batch.partitions.back() = std::to_string(random() % 5);
    made.batch.values.push_back(static_cast<float>(made.number % kTags));
    for (std::uint32_t dimension = 1; dimension < kDimensions; ++dimension) {
      made.batch.values.push_back(static_cast<float>(random() % 1000) / 8);
    }
  }
}

Kind kind_of(unsigned dice) {
  if (dice == 0) return Kind::drop;
  if (dice < 4) return Kind::create;
  if (dice < 16) return Kind::insert;
  if (dice < 30) return Kind::upsert;
  if (dice < 40) return Kind::erase;
  if (dice < 42) return Kind::create_property;
  if (dice == 42) return Kind::delete_property;
  return dice == 43 ? Kind::describe : Kind::tune;
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
    case Kind::describe:
    case Kind::tune:
      break;
  }
  return Error{Code::internal, "not a write"};
}

template <class T>
std::optional<Code> code_of(const Result<T>& result) {
  return result.ok() ? std::nullopt : std::optional(result.error().code);
}

}  // namespace

Operation operation(std::uint64_t seed, unsigned writer, std::uint64_t number) {
  std::seed_seq mixed{seed, std::uint64_t{writer}, number};
  std::mt19937 random(mixed);
  Operation made;
  made.number = number;
  made.kind = kind_of(static_cast<unsigned>(random() % kKinds));
  const auto which = random() % kIndexes;
  made.index = "index " + std::to_string(which);
  const bool large = which + 1 == kIndexes;
  // The large one has time to grow.
  if (large && made.kind == Kind::drop && random() % 4 != 0) made.kind = Kind::upsert;
  if (large && made.kind == Kind::erase && random() % 2 == 0) made.kind = Kind::insert;
  switch (made.kind) {
    case Kind::create:
    case Kind::drop:
      break;
    case Kind::describe:
      made.description = "description " + std::to_string(number);
      break;
    case Kind::tune:
      made.recall = 0.9F + 0.01F * static_cast<float>(random() % 10);
      break;
    case Kind::create_property:
    case Kind::delete_property:
      made.property.property = "p" + std::to_string(random() % kProperties);
      made.property.type = static_cast<vectors::PropertyType>(random() % 3);
      made.with_written = random() % 2 == 0;
      break;
    case Kind::insert:
    case Kind::upsert:
    case Kind::erase:
      add_vectors(random, large, made);
      break;
  }
  return made;
}

Result<std::unique_ptr<vectors::Store>> open_store(const std::string& folder) {
  vectors::RocksStore::Options options;
  options.reader = read_metadata;
  options.near.rows_min = 400;
  options.near.dead_min = 30;
  options.checkpoints.vectors_min = 100;
  options.checkpoints.changes_min = 150;
  options.checkpoints.changes_at_rest_min = 40;
  options.checkpoints.retry_after = std::chrono::milliseconds(50);
  options.idle_after = std::chrono::milliseconds(200);
  options.upkeep_pause = std::chrono::milliseconds(20);
  return vectors::RocksStore::open(folder, std::move(options));
}

std::optional<Code> perform(vectors::Store& store, const std::string& account,
                            const Operation& operation) {
  switch (operation.kind) {
    case Kind::create:
      return code_of(store.create(account, operation.index, "",
                                  {kDimensions, vectors::Metric::euclidean, ""}));
    case Kind::drop:
      return code_of(store.drop(account, operation.index));
    case Kind::describe:
      return code_of(store.describe(account, operation.index, operation.description));
    default:
      break;
  }
  const auto index = store.find(account, operation.index);
  if (!index.ok()) return index.error().code;
  if (operation.kind == Kind::tune) return code_of(index.value()->set_recall(operation.recall));
  return code_of(write(*index.value(), operation));
}

bool belongs_together(std::string_view metadata, std::span<const float> values) {
  std::uint64_t number = 0;
  const auto read = std::from_chars(metadata.data(), metadata.data() + metadata.size(), number);
  return read.ec == std::errc() && !values.empty() &&
         values[0] == static_cast<float>(number % kTags);
}

vectors::PropertyValue letter_value(char letter) {
  switch (letter) {
    case 'a':
      return std::string("a");
    case 't':
      return std::string("10");
    case '3':
      return 3.0;
    case 'T':
      return 10.0;
    case 'y':
      return true;
    default:
      return std::monostate();
  }
}

char property_letter(std::string_view metadata, unsigned property) {
  return metadata.at(metadata.find(';') + 1 + property);
}

void read_metadata(std::string_view metadata, std::span<const std::string> properties,
                   std::span<vectors::PropertyValue> values) {
  for (std::size_t at = 0; at < properties.size(); ++at) {
    const auto property = static_cast<unsigned>(properties[at].at(1) - '0');
    values[at] = letter_value(property_letter(metadata, property));
  }
}

}  // namespace selvedge::crash
