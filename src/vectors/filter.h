// Filter: conditions on the properties that an index knows of its vectors' metadata.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace selvedge::vectors {

// What stands in an array: its scalars, in any order, never none. As a type of index: each in the
// type's form, sorted, no two the same.
using PropertyElement = std::variant<bool, double, std::string>;
using PropertyElements = std::vector<PropertyElement>;

// The value of one property: nothing (absent, null, an object, an array without scalars), a scalar,
// or an array's elements, which `exists` and `contains` alone look at: of an array the other
// comparisons say what they say of nothing. A string is cut to its first
// limits::indexed_string_bytes_max bytes, at a character's border, where it is stored or compared.
using PropertyValue = std::variant<std::monostate, bool, double, std::string, PropertyElements>;

enum class PropertyType : std::uint8_t { string, number, boolean };

// A property that filters can name. `property` is a path with dots ("author.name").
struct MetadataIndex {
  std::string property;
  PropertyType type = PropertyType::string;
  // Vectors of this mutation and earlier ones count as having no such property: the hosted service
  // does not look at vectors that were written before. 0 = all vectors are in.
  std::uint64_t written_after = 0;
};

enum class Comparison : std::uint8_t { eq, ne, in, nin, lt, lte, gt, gte, exists, contains };

// True or false of one vector. `operands` is one value, for `in` and `nin` any number. A value and
// an operand are compared as the index's type: "150" and 150 are the same number, 10 and "10" the
// same string. What has no such form, nothing itself included, is equal to nothing: `eq`, `in` and
// the orders are false of it, `ne` and `nin` true. Strings are ordered by their bytes.
//   exists    the operand is a truth: whether the index holds a value, a scalar or elements
//   contains  a text of a string index holds the operand somewhere; an array has an element equal
//             to it
// Source: docs/compatibility.md#filters.
struct Condition {
  std::string property;
  Comparison comparison = Comparison::eq;
  std::vector<PropertyValue> operands;
};

struct Filter;

// True where any of the filters is; negated, where none is.
struct FilterGroup {
  bool negated = false;
  std::vector<Filter> filters;
};

// True where all conditions and all groups are. A condition on a property without an index is
// neither true nor false: not true of any vector, and not made so by a group that is negated.
struct Filter {
  std::vector<Condition> conditions;
  std::vector<FilterGroup> groups = {};

  // No condition at all: true of every vector.
  bool empty() const { return conditions.empty() && groups.empty(); }
};

// All conditions, those inside groups included, in no order; they point into `filter`.
std::vector<const Condition*> conditions_of(const Filter& filter);

// Reads `properties` out of a vector's metadata, whose form this layer does not know, into `values`
// (one each; what is not there becomes nothing). Called on any thread, several at a time.
using MetadataReader =
    std::function<void(std::string_view metadata, std::span<const std::string> properties,
                       std::span<PropertyValue> values)>;

}  // namespace selvedge::vectors
