// Layout: encoding and decoding, one reader for all values.
#include "vectors/layout.h"

#include <bit>
#include <concepts>
#include <cstring>

#include "vectors/byte_reader.h"

namespace selvedge::vectors::layout {
namespace {

static_assert(std::endian::native == std::endian::little, "float32 values are copied as they are");

constexpr std::uint8_t kHasPartition = 1;

template <std::unsigned_integral T>
void put(std::string& out, T number) {
  put_number(out, number);
}

void put_big_endian(std::string& out, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>((number >> shift) & 0xFFU));
  }
}

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t number = 0;
  for (const char byte : bytes) number = (number << 8) | static_cast<std::uint8_t>(byte);
  return number;
}

std::string keyed(char kind, std::uint64_t serial) {
  std::string key(1, kind);
  put_big_endian(key, serial);
  return key;
}

std::string named(char kind, std::string_view account, std::string_view name) {
  // The length keeps ("ab", "c") and ("a", "bc") apart.
  std::string key = keyed(kind, account.size());
  key.append(account);
  key.append(name);
  return key;
}

// Of a value, which begins with its version.
class Reader : public ByteReader {
 public:
  explicit Reader(std::string_view bytes) : ByteReader(bytes) {
    if (number<std::uint8_t>() != kFormatVersion) fail();
  }
};

Error corrupt(const char* what) {
  return Error{Code::corrupt_data, std::string("a stored ") + what + " does not decode"};
}

}  // namespace

std::string format_key() { return "F"; }
std::string serial_key() { return "C"; }
std::string definition_prefix() { return "D"; }
std::string deleted_prefix() { return "X"; }
std::string leftover_prefix() { return "G"; }

std::string definition_key(std::string_view account, std::string_view name) {
  return named('D', account, name);
}
std::string deleted_key(std::string_view account, std::string_view name) {
  return named('X', account, name);
}

std::string state_key(std::uint64_t serial) { return keyed('S', serial); }
std::string properties_key(std::uint64_t serial) { return keyed('P', serial); }
std::string record_prefix(std::uint64_t serial) { return keyed('V', serial); }
std::string record_end(std::uint64_t serial) { return keyed('V', serial + 1); }
std::string recall_key(std::uint64_t serial) { return keyed('R', serial); }
std::string leftover_key(std::uint64_t serial) { return keyed('G', serial); }

std::string record_key(std::uint64_t serial, std::string_view id) {
  std::string key = record_prefix(serial);
  key.append(id);
  return key;
}

std::string log_key(std::uint64_t serial, MutationNumber mutation) {
  std::string key = keyed('L', serial);
  put_big_endian(key, mutation);
  return key;
}
std::string log_end(std::uint64_t serial) { return keyed('L', serial + 1); }
std::string checkpoint_key(std::uint64_t serial) { return keyed('K', serial); }

std::vector<std::pair<std::string, std::string>> ranges(std::uint64_t serial) {
  return {{record_prefix(serial), record_end(serial)},
          {log_key(serial, 0), log_end(serial)},
          {checkpoint_key(serial), checkpoint_key(serial + 1)}};
}

Result<MutationNumber> log_mutation(std::string_view key) {
  if (key.size() != 17) return corrupt("mutation's key");
  return big_endian(key.substr(9));
}

Result<std::uint64_t> leftover_serial(std::string_view key) {
  if (key.size() != 9) return corrupt("index serial");
  return big_endian(key.substr(1));
}

Result<AccountName> account_name(std::string_view key) {
  if (key.size() < 9) return corrupt("index name");
  const std::uint64_t account_bytes = big_endian(key.substr(1, 8));
  if (account_bytes > key.size() - 9) return corrupt("index name");
  key.remove_prefix(9);
  return AccountName{std::string(key.substr(0, account_bytes)),
                     std::string(key.substr(account_bytes))};
}

std::string encode_number(std::uint64_t number) {
  std::string out(1, static_cast<char>(kFormatVersion));
  put(out, number);
  return out;
}

Result<std::uint64_t> decode_number(std::string_view value) {
  Reader reader(value);
  const auto number = reader.number<std::uint64_t>();
  if (!reader.whole()) return corrupt("number");
  return number;
}

std::string encode_definition(const IndexDescription& description) {
  std::string out(1, static_cast<char>(kFormatVersion));
  put(out, description.serial);
  put(out, static_cast<std::uint64_t>(description.created_us));
  put(out, static_cast<std::uint64_t>(description.modified_us));
  put(out, description.config.dimensions);
  put(out, static_cast<std::uint8_t>(description.config.metric));
  put_text(out, description.config.preset);
  put_text(out, description.name);
  put_text(out, description.description);
  return out;
}

Result<IndexDescription> decode_definition(std::string_view value) {
  Reader reader(value);
  IndexDescription description;
  description.serial = reader.number<std::uint64_t>();
  description.created_us = static_cast<std::int64_t>(reader.number<std::uint64_t>());
  description.modified_us = static_cast<std::int64_t>(reader.number<std::uint64_t>());
  description.config.dimensions = reader.number<std::uint32_t>();
  const auto metric = reader.number<std::uint8_t>();
  description.config.preset = reader.text();
  description.name = reader.text();
  description.description = reader.text();
  if (!reader.whole() || metric > static_cast<std::uint8_t>(Metric::dot_product) ||
      description.config.dimensions < limits::dimensions_min ||
      description.config.dimensions > limits::dimensions_max) {
    return corrupt("index definition");
  }
  description.config.metric = static_cast<Metric>(metric);
  return description;
}

std::string encode_state(const State& state) {
  std::string out(1, static_cast<char>(kFormatVersion));
  put(out, state.mutation);
  put(out, static_cast<std::uint64_t>(state.mutation_us));
  put(out, state.vector_count);
  return out;
}

Result<State> decode_state(std::string_view value) {
  Reader reader(value);
  State state;
  state.mutation = reader.number<std::uint64_t>();
  state.mutation_us = static_cast<std::int64_t>(reader.number<std::uint64_t>());
  state.vector_count = reader.number<std::uint64_t>();
  if (!reader.whole()) return corrupt("index state");
  return state;
}

std::string encode_properties(std::span<const MetadataIndex> indexes) {
  std::string out(1, static_cast<char>(kFormatVersion));
  put(out, static_cast<std::uint32_t>(indexes.size()));
  for (const MetadataIndex& index : indexes) {
    put(out, static_cast<std::uint8_t>(index.type));
    put(out, index.written_after);
    put_text(out, index.property);
  }
  return out;
}

Result<std::vector<MetadataIndex>> decode_properties(std::string_view value) {
  Reader reader(value);
  std::vector<MetadataIndex> indexes;
  // Ends at the first entry that is not there, whatever the count says.
  for (auto left = reader.number<std::uint32_t>(); left > 0 && reader.sound(); --left) {
    const auto type = reader.number<std::uint8_t>();
    const auto written_after = reader.number<std::uint64_t>();
    const std::string_view property = reader.text();
    if (type > static_cast<std::uint8_t>(PropertyType::boolean)) return corrupt("metadata index");
    indexes.push_back({std::string(property), static_cast<PropertyType>(type), written_after});
  }
  if (!reader.whole()) return corrupt("metadata index");
  return indexes;
}

std::string encode_recall(float recall) {
  std::string out(1, static_cast<char>(kFormatVersion));
  put(out, std::bit_cast<std::uint32_t>(recall));
  return out;
}

Result<float> decode_recall(std::string_view value) {
  Reader reader(value);
  const auto recall = std::bit_cast<float>(reader.number<std::uint32_t>());
  if (!reader.whole() || !(recall >= 0 && recall <= 1)) return corrupt("recall");
  return recall;
}

std::string encode_touched(std::span<const std::string_view> ids) {
  std::string out(1, static_cast<char>(kFormatVersion));
  put(out, static_cast<std::uint32_t>(ids.size()));
  for (const std::string_view id : ids) put_text(out, id);
  return out;
}

Result<std::vector<std::string_view>> decode_touched(std::string_view value) {
  Reader reader(value);
  std::vector<std::string_view> ids;
  for (auto left = reader.number<std::uint32_t>(); left > 0 && reader.sound(); --left) {
    ids.push_back(reader.text());
  }
  if (!reader.whole()) return corrupt("mutation");
  return ids;
}

std::string encode_checkpoint(const Checkpoint& checkpoint) {
  std::string out(1, static_cast<char>(kFormatVersion));
  put(out, checkpoint.generation);
  put(out, checkpoint.mutation);
  put(out, checkpoint.identity);
  return out;
}

Result<Checkpoint> decode_checkpoint(std::string_view value) {
  Reader reader(value);
  Checkpoint checkpoint;
  checkpoint.generation = reader.number<std::uint64_t>();
  checkpoint.mutation = reader.number<std::uint64_t>();
  checkpoint.identity = reader.number<std::uint64_t>();
  if (!reader.whole()) return corrupt("checkpoint's name");
  return checkpoint;
}

void encode_record(MutationNumber mutation, const std::optional<std::string>& partition,
                   std::string_view metadata, std::span<const float> values, std::string& out) {
  out.clear();
  put(out, kFormatVersion);
  put(out, partition ? kHasPartition : std::uint8_t{0});
  put(out, mutation);
  if (partition) put_text(out, *partition);
  put_text(out, metadata);
  const std::size_t at = out.size();
  out.resize(at + values.size_bytes());
  std::memcpy(out.data() + at, values.data(), values.size_bytes());
}

Result<Record> decode_record(std::string_view value, std::size_t dimensions) {
  Reader reader(value);
  const auto flags = reader.number<std::uint8_t>();
  Record record;
  record.mutation = reader.number<std::uint64_t>();
  if ((flags & kHasPartition) != 0) record.partition = reader.text();
  record.metadata = reader.text();
  record.value_bytes = reader.take(dimensions * sizeof(float));
  if (!reader.whole() || flags > kHasPartition) return corrupt("vector");
  return record;
}

void copy_values(const Record& record, std::span<float> out) {
  SEL_CHECK(record.value_bytes.size() == out.size_bytes());
  std::memcpy(out.data(), record.value_bytes.data(), out.size_bytes());
}

}  // namespace selvedge::vectors::layout
