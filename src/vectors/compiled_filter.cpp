// Compiled filter: one tight loop per type and comparison.
#include "vectors/compiled_filter.h"

#include <algorithm>
#include <cstddef>

#include "vectors/property_value.h"

namespace selvedge::vectors {
namespace {

// Without a branch on the outcome: of rows that pass at random it would be mispredicted.
template <class Passes>
void keep(std::vector<std::uint32_t>& rows, Passes passes) {
  std::size_t kept = 0;
  for (const std::uint32_t row : rows) {
    rows[kept] = row;
    kept += passes(row) ? 1U : 0U;
  }
  rows.resize(kept);
}

bool negative(Comparison comparison) {
  return comparison == Comparison::ne || comparison == Comparison::nin;
}

bool takes_many(Comparison comparison) {
  return comparison == Comparison::in || comparison == Comparison::nin;
}

// `value` against `operand`, neither nothing.
template <class T>
bool holds(Comparison comparison, const T& value, const T& operand) {
  switch (comparison) {
    case Comparison::eq:
    case Comparison::in:
      return value == operand;
    case Comparison::ne:
    case Comparison::nin:
      return value != operand;
    case Comparison::lt:
      return value < operand;
    case Comparison::lte:
      return value <= operand;
    case Comparison::gt:
      return value > operand;
    case Comparison::gte:
      return value >= operand;
  }
  return false;
}

// The sign of row - key; the row must have a text.
int compare(const Column& column, std::uint32_t row, const TextKey& key) {
  const std::uint64_t head = column.head(row);
  if (head != key.head) return head < key.head ? -1 : 1;
  return column.text(row).compare(key.text);
}

}  // namespace

CompiledFilter::CompiledFilter(const Filter& filter, const Properties& properties) {
  for (const MetadataIndex& index : properties.indexes()) types_.push_back(index.type);
  for (const Condition& condition : filter.conditions) {
    const auto column = properties.find(condition.property);
    if (!column) {
      never_ = true;
      return;
    }
    tests_.push_back(compile(condition, *column, types_[*column]));
  }
}

CompiledFilter::Test CompiledFilter::compile(const Condition& condition, std::size_t column,
                                             PropertyType type) {
  Test test{column, type, condition.comparison};
  std::array<bool, 2> truths{};  // Which of the two an operand names.
  std::size_t count = condition.operands.size();
  if (!takes_many(condition.comparison)) count = std::min<std::size_t>(count, 1);
  for (std::size_t at = 0; at < count; ++at) {
    const PropertyValue operand = as_type(type, condition.operands[at]);
    if (const auto* number = std::get_if<double>(&operand)) test.numbers.push_back(*number);
    if (const auto* text = std::get_if<std::string>(&operand)) {
      test.texts.push_back(TextKey::of(*text));
    }
    if (const auto* truth = std::get_if<bool>(&operand)) truths[*truth ? 1 : 0] = true;
  }
  std::sort(test.numbers.begin(), test.numbers.end());
  std::sort(test.texts.begin(), test.texts.end());
  const bool negated = negative(condition.comparison);
  test.marks[Column::kNothing] = negated;
  for (const std::size_t mark : {0U, 1U}) {
    if (negated || condition.comparison == Comparison::eq || takes_many(condition.comparison)) {
      test.marks[mark] = truths[mark] != negated;
      continue;
    }
    for (const std::size_t operand : {0U, 1U}) {
      test.marks[mark] |= truths[operand] && holds(condition.comparison, mark, operand);
    }
  }
  return test;
}

void CompiledFilter::narrow(std::span<const std::shared_ptr<Column>> columns,
                            std::vector<std::uint32_t>& rows) const {
  if (never_) rows.clear();
  for (const Test& test : tests_) {
    if (rows.empty()) return;
    const Column& column = *columns[test.column];
    switch (test.type) {
      case PropertyType::number:
        narrow_numbers(test, column, rows);
        break;
      case PropertyType::string:
        narrow_texts(test, column, rows);
        break;
      case PropertyType::boolean:
        narrow_booleans(test, column, rows);
        break;
    }
  }
}

void CompiledFilter::narrow_numbers(const Test& test, const Column& column,
                                    std::vector<std::uint32_t>& rows) {
  // No operand that could be equal: true of all or of none.
  if (test.numbers.empty()) {
    if (!negative(test.comparison)) rows.clear();
    return;
  }
  const double operand = test.numbers.front();
  switch (test.comparison) {  // A NaN in the column is nothing: only `ne` is true of it.
    case Comparison::eq:
      return keep(rows, [&](std::uint32_t row) { return column.number(row) == operand; });
    case Comparison::ne:
      return keep(rows, [&](std::uint32_t row) { return column.number(row) != operand; });
    case Comparison::lt:
      return keep(rows, [&](std::uint32_t row) { return column.number(row) < operand; });
    case Comparison::lte:
      return keep(rows, [&](std::uint32_t row) { return column.number(row) <= operand; });
    case Comparison::gt:
      return keep(rows, [&](std::uint32_t row) { return column.number(row) > operand; });
    case Comparison::gte:
      return keep(rows, [&](std::uint32_t row) { return column.number(row) >= operand; });
    case Comparison::in:
    case Comparison::nin:
      break;
  }
  const bool wanted = test.comparison == Comparison::in;
  keep(rows, [&](std::uint32_t row) {
    const double number = column.number(row);
    const auto at = std::lower_bound(test.numbers.begin(), test.numbers.end(), number);
    return (at != test.numbers.end() && *at == number) == wanted;
  });
}

void CompiledFilter::narrow_texts(const Test& test, const Column& column,
                                  std::vector<std::uint32_t>& rows) {
  if (test.texts.empty()) {
    if (!negative(test.comparison)) rows.clear();
    return;
  }
  const TextKey& operand = test.texts.front();
  const auto same = [&column](std::uint32_t row, const TextKey& key) {
    return column.head(row) == key.head && column.mark(row) == key.text.size() &&
           (key.text.size() <= sizeof key.head || column.text(row) == key.text);
  };
  const auto ordered = [&](auto accepts) {
    keep(rows, [&](std::uint32_t row) {
      return column.mark(row) != Column::kNothing && accepts(compare(column, row, operand));
    });
  };
  switch (test.comparison) {
    case Comparison::eq:
      return keep(rows, [&](std::uint32_t row) { return same(row, operand); });
    case Comparison::ne:
      return keep(rows, [&](std::uint32_t row) { return !same(row, operand); });
    case Comparison::lt:
      return ordered([](int sign) { return sign < 0; });
    case Comparison::lte:
      return ordered([](int sign) { return sign <= 0; });
    case Comparison::gt:
      return ordered([](int sign) { return sign > 0; });
    case Comparison::gte:
      return ordered([](int sign) { return sign >= 0; });
    case Comparison::in:
    case Comparison::nin:
      break;
  }
  const bool wanted = test.comparison == Comparison::in;
  keep(rows, [&](std::uint32_t row) {
    const auto at =
        std::partition_point(test.texts.begin(), test.texts.end(), [&](const TextKey& key) {
          return column.head(row) != key.head ? key.head < column.head(row)
                                              : key.text < column.text(row);
        });
    return (at != test.texts.end() && same(row, *at)) == wanted;
  });
}

void CompiledFilter::narrow_booleans(const Test& test, const Column& column,
                                     std::vector<std::uint32_t>& rows) {
  keep(rows, [&](std::uint32_t row) { return test.marks[column.mark(row)]; });
}

bool CompiledFilter::matches(std::span<const PropertyValue> values) const {
  std::vector<std::shared_ptr<Column>> columns;
  for (std::size_t at = 0; at < types_.size(); ++at) {
    columns.push_back(std::make_shared<Column>(types_[at], 1));
    columns.back()->set(0, values[at]);
  }
  std::vector<std::uint32_t> rows = {0};
  narrow(columns, rows);
  return !rows.empty();
}

}  // namespace selvedge::vectors
