// Compiled filter: one tight loop per type and comparison.
#include "vectors/compiled_filter.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "vectors/property_value.h"

namespace selvedge::vectors {
namespace {

using Rows = std::vector<std::uint32_t>;
using Columns = std::span<const std::shared_ptr<Column>>;

// Without a branch on the outcome: of rows that pass at random it would be mispredicted.
template <class Passes>
void keep(Rows& rows, Passes passes) {
  std::size_t kept = 0;
  for (const std::uint32_t row : rows) {
    rows[kept] = row;
    kept += passes(row) ? 1U : 0U;
  }
  rows.resize(kept);
}

bool takes_many(Comparison comparison) {
  return comparison == Comparison::in || comparison == Comparison::nin;
}

// `value` against `operand`, neither nothing.
template <class T>
bool ordered(Comparison comparison, const T& value, const T& operand) {
  switch (comparison) {
    case Comparison::lt:
      return value < operand;
    case Comparison::lte:
      return value <= operand;
    case Comparison::gt:
      return value > operand;
    case Comparison::gte:
      return value >= operand;
    default:
      return value == operand;
  }
}

// `negated`: the condition's opposite is asked for.
Comparison positive(Comparison comparison, bool& negated) {
  if (comparison == Comparison::ne || comparison == Comparison::nin) negated = !negated;
  if (comparison == Comparison::ne) return Comparison::eq;
  return comparison == Comparison::nin ? Comparison::in : comparison;
}

// Which marks of a boolean column pass, of one whose operands name these truths.
void mark_truths(const std::array<bool, 2>& truths, ColumnTest& test) {
  test.marks.fill(!test.wanted);
  for (const std::size_t mark : {0U, 1U}) {
    bool passes = false;
    for (const std::size_t operand : {0U, 1U}) {
      passes |= truths[operand] && test.comparison != Comparison::contains &&
                ordered(test.comparison, mark, operand);
    }
    test.marks[mark] = passes == test.wanted;
  }
}

ColumnTest compile(const Condition& condition, std::size_t column, PropertyType type,
                   bool negated) {
  ColumnTest test{column, type, positive(condition.comparison, negated), !negated};
  std::array<bool, 2> truths{};  // Which of the two an operand names.
  std::size_t count = condition.operands.size();
  if (!takes_many(condition.comparison)) count = std::min<std::size_t>(count, 1);
  if (test.comparison == Comparison::exists) {
    const bool* asked = count == 0 ? nullptr : std::get_if<bool>(&condition.operands[0]);
    test.wanted = (asked == nullptr || *asked) == test.wanted;
    test.marks.fill(test.wanted);
    test.marks[Column::kNothing] = !test.wanted;
    return test;
  }
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
  if (type == PropertyType::boolean) mark_truths(truths, test);
  const bool single = test.numbers.size() + test.texts.size() <= 1;
  if (test.comparison == Comparison::in && single) test.comparison = Comparison::eq;
  return test;
}

FilterNode node_of(const Filter& filter, const Properties& properties, bool negated) {
  // Where all must be true, the opposite is that any is false; of a group that is the other way.
  FilterNode node{negated ? FilterNode::Kind::any : FilterNode::Kind::all};
  for (const Condition& condition : filter.conditions) {
    const auto column = properties.find(condition.property);
    if (!column) {
      node.nodes.push_back({FilterNode::Kind::any});
      continue;
    }
    const PropertyType type = properties.indexes()[*column].type;
    node.nodes.push_back({FilterNode::Kind::test, compile(condition, *column, type, negated)});
  }
  for (const FilterGroup& group : filter.groups) {
    const bool inner_negated = negated != group.negated;
    FilterNode inner{inner_negated ? FilterNode::Kind::all : FilterNode::Kind::any};
    for (const Filter& each : group.filters) {
      inner.nodes.push_back(node_of(each, properties, inner_negated));
    }
    node.nodes.push_back(std::move(inner));
  }
  if (node.nodes.size() == 1) return FilterNode(std::move(node.nodes.front()));
  return node;
}

void narrow_numbers(const ColumnTest& test, const Column& column, Rows& rows) {
  const double operand = test.numbers.front();
  const bool wanted = test.wanted;
  switch (test.comparison) {  // A NaN in the column is no scalar: every comparison is false of it.
    case Comparison::lt:
      return keep(rows,
                  [&](std::uint32_t row) { return (column.number(row) < operand) == wanted; });
    case Comparison::lte:
      return keep(rows,
                  [&](std::uint32_t row) { return (column.number(row) <= operand) == wanted; });
    case Comparison::gt:
      return keep(rows,
                  [&](std::uint32_t row) { return (column.number(row) > operand) == wanted; });
    case Comparison::gte:
      return keep(rows,
                  [&](std::uint32_t row) { return (column.number(row) >= operand) == wanted; });
    case Comparison::contains:
      return keep(rows, [&](std::uint32_t row) {
        if (column.mark(row) != Column::kElements) return !wanted;
        const auto elements = column.number_elements(row);
        return std::binary_search(elements.begin(), elements.end(), operand) == wanted;
      });
    case Comparison::in:
      return keep(rows, [&](std::uint32_t row) {
        const double number = column.number(row);
        const auto at = std::lower_bound(test.numbers.begin(), test.numbers.end(), number);
        return (at != test.numbers.end() && *at == number) == wanted;
      });
    default:
      return keep(rows,
                  [&](std::uint32_t row) { return (column.number(row) == operand) == wanted; });
  }
}

void narrow_texts(const ColumnTest& test, const Column& column, Rows& rows) {
  const TextKey& operand = test.texts.front();
  const bool wanted = test.wanted;
  if (test.comparison == Comparison::eq) {
    return keep(rows, [&](std::uint32_t row) {
      // Texts of up to eight bytes are told apart by these two alone.
      const bool same =
          column.head(row) == operand.head && column.mark(row) == operand.text.size() &&
          (operand.text.size() <= sizeof operand.head || column.text(row) == operand.text);
      return same == wanted;
    });
  }
  keep(rows, [&](std::uint32_t row) {
    const std::uint8_t mark = column.mark(row);
    bool held = false;
    if (mark < Column::kElements) {
      held = test.holds(column.head(row), column.text(row));
    } else if (mark == Column::kElements && test.comparison == Comparison::contains) {
      held = column.any_text_element(
          row, [&operand](std::string_view element) { return element == operand.text; });
    }
    return held == wanted;
  });
}

}  // namespace

bool ColumnTest::holds(std::uint64_t head, std::string_view text) const {
  if (texts.empty()) return false;
  const TextKey& operand = texts.front();
  if (comparison == Comparison::contains) return text.find(operand.text) != std::string_view::npos;
  if (comparison == Comparison::in) {
    const auto at = std::partition_point(texts.begin(), texts.end(), [&](const TextKey& key) {
      return head != key.head ? key.head < head : std::string_view(key.text) < text;
    });
    return at != texts.end() && at->text == text;
  }
  int sign = 0;
  if (head != operand.head) {
    sign = head < operand.head ? -1 : 1;
  } else {
    sign = text.compare(operand.text);
  }
  return ordered(comparison, sign, 0);
}

void ColumnTest::narrow(const Column& of, std::vector<std::uint32_t>& rows) const {
  if (by_marks()) {
    keep(rows, [&](std::uint32_t row) { return marks[of.mark(row)]; });
  } else if (!numbers.empty()) {
    narrow_numbers(*this, of, rows);
  } else if (!texts.empty()) {
    narrow_texts(*this, of, rows);
  } else if (wanted) {
    rows.clear();  // No operand that anything could be compared with.
  }
}

CompiledFilter::CompiledFilter(const Filter& filter, const Properties& properties)
    : root_(node_of(filter, properties, false)) {
  for (const MetadataIndex& index : properties.indexes()) types_.push_back(index.type);
}

void CompiledFilter::narrow(const FilterNode& node, Columns columns, Rows& rows) {
  if (node.kind == FilterNode::Kind::test)
    return node.test.narrow(*columns[node.test.column], rows);
  if (node.kind == FilterNode::Kind::all) {
    for (const FilterNode& each : node.nodes) {
      if (rows.empty()) return;
      narrow(each, columns, rows);
    }
    return;
  }
  Rows passed;
  Rows left = std::move(rows);
  for (const FilterNode& each : node.nodes) {
    if (left.empty()) break;
    Rows here = left;
    narrow(each, columns, here);
    if (here.empty()) continue;
    Rows kept;
    std::set_difference(left.begin(), left.end(), here.begin(), here.end(),
                        std::back_inserter(kept));
    left = std::move(kept);
    Rows merged;
    std::merge(passed.begin(), passed.end(), here.begin(), here.end(), std::back_inserter(merged));
    passed = std::move(merged);
  }
  rows = std::move(passed);
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
