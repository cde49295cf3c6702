// Compiled filter: a filter made ready for one set of metadata indexes, tested row by row.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "vectors/column.h"
#include "vectors/filter.h"
#include "vectors/properties.h"

namespace selvedge::vectors {

// Const methods are thread-safe. The meaning of a condition is told in vectors/filter.h.
class CompiledFilter {
 public:
  CompiledFilter(const Filter& filter, const Properties& properties);

  // Leaves in `rows` those of which the filter is true, in their order. `columns` has one entry per
  // property of the constructor's `properties`, borrowed.
  void narrow(std::span<const std::shared_ptr<Column>> columns,
              std::vector<std::uint32_t>& rows) const;

  // The same of one vector that has no row. `values` as from Properties::read.
  bool matches(std::span<const PropertyValue> values) const;

 private:
  struct Test {
    std::size_t column = 0;
    PropertyType type = PropertyType::string;
    Comparison comparison = Comparison::eq;
    // The operands that have the type's form, sorted; of a boolean column which marks pass.
    std::vector<double> numbers = {};
    std::vector<TextKey> texts = {};
    std::array<bool, 256> marks = {};
  };
  static Test compile(const Condition& condition, std::size_t column, PropertyType type);
  static void narrow_numbers(const Test& test, const Column& column,
                             std::vector<std::uint32_t>& rows);
  static void narrow_texts(const Test& test, const Column& column,
                           std::vector<std::uint32_t>& rows);
  static void narrow_booleans(const Test& test, const Column& column,
                              std::vector<std::uint32_t>& rows);

  std::vector<PropertyType> types_;  // Of all properties.
  std::vector<Test> tests_;
  bool never_ = false;  // A condition names a property without an index.
};

}  // namespace selvedge::vectors
