// Workload: the operations of the crash tests, made from numbers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "vectors/store.h"

namespace selvedge::crash {

inline constexpr std::uint32_t kDimensions = 48;
inline constexpr std::size_t kPropertiesMax = 2;  // Metadata indexes of one index.
inline constexpr unsigned kProperties = 3;        // Properties that vectors have: "p0" to "p2".

enum class Kind : std::uint8_t {
  create,
  drop,
  insert,
  upsert,
  erase,
  create_property,
  delete_property,
  describe,
  tune
};

struct Operation {
  Kind kind = Kind::create;
  std::uint64_t number = 0;
  std::string index;
  vectors::VectorBatch batch;       // For erase: its ids.
  vectors::MetadataIndex property;  // Of the kinds of properties.
  bool with_written = false;
  std::string description;  // For describe.
  float recall = 0;         // For tune.
};

// Operation `number` of a writer. The same arguments always give the same operation. Of the three
// indexes the last one is the large one.
Operation operation(std::uint64_t seed, unsigned writer, std::uint64_t number);

// The store in `folder`. Few vectors are linked to a graph already, few dead ones are taken out of
// it, files are derived often, and what nobody asks for is soon unloaded, so that a short run meets
// all of it.
Result<std::unique_ptr<vectors::Store>> open_store(const std::string& folder);

// Does it. The code of the error, or nothing.
std::optional<Code> perform(vectors::Store& store, const std::string& account,
                            const Operation& operation);

// Metadata is "<number of the operation>;<one letter a property>;<padding>", and the first value of
// a vector is the number, too, up to `kTags`: so a vector that is half of one operation and half of
// another one tells.
inline constexpr std::uint64_t kTags = 65'536;
bool belongs_together(std::string_view metadata, std::span<const float> values);

// The letters, and what they stand for: text, number, truth, nothing.
inline constexpr std::string_view kLetters = "at3Ty-";
vectors::PropertyValue letter_value(char letter);
// The letter of property `property` of a vector with this metadata.
char property_letter(std::string_view metadata, unsigned property);
// The reader of metadata for stores that the workload writes to.
void read_metadata(std::string_view metadata, std::span<const std::string> properties,
                   std::span<vectors::PropertyValue> values);

}  // namespace selvedge::crash
