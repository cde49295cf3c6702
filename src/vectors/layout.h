// Layout: the keys and values of the vectors' RocksDB folder. Specified in docs/formats/vectors.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "vectors/index.h"

// All numbers of values are little-endian, all numbers of keys big-endian, so that keys sort by
// them. Every value begins with a version byte. RocksDB's checksums find flipped bytes; the
// decoders here find what cannot be: a wrong version, a length that does not add up. All their
// errors are corrupt_data.
namespace selvedge::vectors::layout {

inline constexpr std::uint8_t kFormatVersion = 1;

// Keys. The first byte is the kind.
std::string format_key();         // 'F': the version of the whole folder.
std::string serial_key();         // 'C': the last serial given to an index.
std::string definition_prefix();  // 'D' …: the definitions of all accounts.
std::string definition_key(std::string_view account, std::string_view name);
std::string state_key(std::uint64_t serial);      // 'S' serial.
std::string record_prefix(std::uint64_t serial);  // 'V' serial …
std::string record_end(std::uint64_t serial);     // The first key after those.
std::string record_key(std::uint64_t serial, std::string_view id);
std::string properties_key(std::uint64_t serial);  // 'P' serial
// 'L' serial mutation: which ids a mutation touched; and the first key after those of an index.
std::string log_key(std::uint64_t serial, MutationNumber mutation);
std::string log_end(std::uint64_t serial);
Result<MutationNumber> log_mutation(std::string_view key);
std::string checkpoint_key(std::uint64_t serial);  // 'K' serial
std::string recall_key(std::uint64_t serial);      // 'R' serial
std::string deleted_prefix();                      // 'X' …: names that were dropped.
std::string deleted_key(std::string_view account, std::string_view name);
std::string leftover_prefix();  // 'G' …: dropped, records may remain.
std::string leftover_key(std::uint64_t serial);

// Where all keys of an index are but those of its definition, state and metadata indexes.
std::vector<std::pair<std::string, std::string>> ranges(std::uint64_t serial);

// The serial of a leftover key.
Result<std::uint64_t> leftover_serial(std::string_view key);
// The account and the name of a definition key or of a deleted name's.
struct AccountName {
  std::string account;
  std::string name;
};
Result<AccountName> account_name(std::string_view key);

std::string encode_number(std::uint64_t number);
Result<std::uint64_t> decode_number(std::string_view value);

std::string encode_definition(const IndexDescription& description);
Result<IndexDescription> decode_definition(std::string_view value);

// What an index is at, written with every batch.
struct State {
  MutationNumber mutation = 0;
  std::int64_t mutation_us = 0;
  std::uint64_t vector_count = 0;
};
std::string encode_state(const State& state);
Result<State> decode_state(std::string_view value);

// In their order.
std::string encode_properties(std::span<const MetadataIndex> indexes);
Result<std::vector<MetadataIndex>> decode_properties(std::string_view value);

// Index::recall(), 0…1.
std::string encode_recall(float recall);
Result<float> decode_recall(std::string_view value);

// The ids that a mutation put or erased. The result borrows from `value`.
std::string encode_touched(std::span<const std::string_view> ids);
Result<std::vector<std::string_view>> decode_touched(std::string_view value);

// Which derived files show the index as it was after `mutation`.
struct Checkpoint {
  std::uint64_t generation = 0;
  MutationNumber mutation = 0;
  std::uint64_t identity = 0;  // Of the generation's checkpoint file.
};
std::string encode_checkpoint(const Checkpoint& checkpoint);
Result<Checkpoint> decode_checkpoint(std::string_view value);

// One stored vector, borrowed from the bytes it was read from, or about to be written.
struct Record {
  MutationNumber mutation = 0;  // The one that wrote it.
  std::optional<std::string_view> partition;
  std::string_view metadata;
  std::string_view value_bytes;  // float32, little-endian; not aligned.
};
// Appends nothing to `out` but the record: `out` is replaced, its memory reused.
void encode_record(MutationNumber mutation, const std::optional<std::string>& partition,
                   std::string_view metadata, std::span<const float> values, std::string& out);
Result<Record> decode_record(std::string_view value, std::size_t dimensions);
// Copies the values of a record to `out`, [dimensions] float32.
void copy_values(const Record& record, std::span<float> out);

}  // namespace selvedge::vectors::layout
