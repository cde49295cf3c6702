// Compiled filter: a filter made ready for one set of metadata indexes, tested row by row.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "vectors/column.h"
#include "vectors/filter.h"
#include "vectors/properties.h"

namespace selvedge::vectors {

// One condition on one column. `comparison` is neither ne nor nin, nor in with one operand or none:
// those are eq with `wanted` false, or eq.
struct ColumnTest {
  std::size_t column = 0;
  PropertyType type = PropertyType::string;
  Comparison comparison = Comparison::eq;
  bool wanted = true;  // False: rows pass of which the comparison is false.
  // The operands that have the type's form, sorted; of both at most one has any. Without operands
  // the comparison, unless it is `exists`, is false of all rows.
  std::vector<double> numbers = {};
  std::vector<TextKey> texts = {};
  // Of a boolean column, and of `exists`: which marks pass; `wanted` is in them.
  std::array<bool, 256> marks = {};

  bool by_marks() const {
    return type == PropertyType::boolean || comparison == Comparison::exists;
  }
  // Of a string column: whether a scalar text makes the comparison true; `wanted` is not in it.
  bool holds(std::uint64_t head, std::string_view text) const;
  // Leaves in `rows` those that pass.
  void narrow(const Column& of, std::vector<std::uint32_t>& rows) const;
};

// A filter without negations but those of its tests. What is neither true nor false became `any` of
// no nodes, which is true of no row.
struct FilterNode {
  enum class Kind : std::uint8_t { test, all, any };
  Kind kind = Kind::all;
  ColumnTest test = {};  // Of a test.
  std::vector<FilterNode> nodes = {};
};

// Const methods are thread-safe. The meaning of a condition is told in vectors/filter.h.
class CompiledFilter {
 public:
  CompiledFilter(const Filter& filter, const Properties& properties);

  // Leaves in `rows`, which ascend, those of which the filter is true. `columns` has one entry per
  // property of the constructor's `properties`, borrowed.
  void narrow(std::span<const std::shared_ptr<Column>> columns,
              std::vector<std::uint32_t>& rows) const {
    narrow(root_, columns, rows);
  }
  // The same of a part of a filter.
  static void narrow(const FilterNode& node, std::span<const std::shared_ptr<Column>> columns,
                     std::vector<std::uint32_t>& rows);

  // The same of one vector that has no row. `values` as from Properties::read.
  bool matches(std::span<const PropertyValue> values) const;

  const FilterNode& root() const { return root_; }

 private:
  std::vector<PropertyType> types_;  // Of all properties.
  FilterNode root_;
};

}  // namespace selvedge::vectors
