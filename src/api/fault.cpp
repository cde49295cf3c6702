// Fault: from a number or a name to a row of the error table.
#include "api/fault.h"

#include <charconv>
#include <string>
#include <utility>

#include "api/errors.h"
#include "api/vectorize_errors.h"

namespace selvedge::api {
namespace {

constexpr std::size_t kEventsMax = 1'000'000;

// Of numbers that several rows share, the row that people mean.
std::optional<Code> usual_code(int number) {
  switch (number) {
    case 5000:
    case 40000:
      return Code::internal;
    case 5006:
      return Code::invalid_input;
    case 7003:
      return Code::route_not_found;
    case 40026:
      return Code::query_invalid;
    default:
      return std::nullopt;
  }
}

// True when there is such a number.
bool take_number(int number, Fault& fault) {
  bool of_ai = false;
  bool of_vectorize = false;
  for (const ErrorRow& row : error_rows()) {
    const bool ai = row.workers_ai_number == number;
    const bool vectorize = row.vectorize_number == number;
    if ((ai || vectorize) && !of_ai && !of_vectorize) fault.code = row.code;
    of_ai = of_ai || ai;
    of_vectorize = of_vectorize || vectorize;
  }
  if (!of_ai && !of_vectorize) return false;
  fault.code = usual_code(number).value_or(fault.code);
  if (!of_vectorize) fault.product = Product::ai;
  if (!of_ai) fault.product = Product::vectorize;
  return true;
}

bool take_name(std::string_view name, Fault& fault) {
  for (const ErrorRow& row : error_rows()) {
    if (name != code_name(row.code)) continue;
    fault.code = row.code;
    return true;
  }
  return false;
}

std::optional<std::size_t> whole_number(std::string_view text) {
  std::size_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Result<Fault> parse_fault(std::string_view text) {
  SEL_TRY(cut, cut_rule(text));
  Fault fault;
  fault.rule = std::move(cut.rule);
  const std::string quoted = "\"" + std::string(text) + "\": ";
  std::string what = std::move(cut.action);
  if (const std::size_t plus = what.find('+'); plus != what.npos) {
    fault.after_events = whole_number(std::string_view(what).substr(plus + 1));
    if (!fault.after_events || *fault.after_events > kEventsMax) {
      return Error{Code::invalid_input, quoted + "after '+' stands a count of events, as in +5"};
    }
    what.resize(plus);
  }
  fault.cut = what == "cut";
  if (fault.cut) return fault;
  const auto number = whole_number(what);
  const bool known = number ? *number < 100'000 && take_number(static_cast<int>(*number), fault)
                            : take_name(what, fault);
  if (known) return fault;
  return Error{Code::invalid_input, quoted + "\"" + what +
                                        "\" is no error: write a number (3040) or a name "
                                        "(queue_full) of the table in docs/compatibility.md, or "
                                        "cut"};
}

bool concerns(const KitRule& rule, Product product, const CallNames& call) {
  if (call.product == Product::none) return false;
  if (call.product == Product::bot) return !rule.where.empty() && is_where(rule, call.names);
  if (product != Product::none && product != call.product) return false;
  return is_where(rule, call.names);
}

Error fault_error(const Fault& fault, const CallNames& call) {
  switch (fault.code) {
    case Code::queue_full:
      if (call.product == Product::vectorize) return Error{fault.code, "Too Many Requests"};
      return Error{fault.code, "Capacity temporarily exceeded, please try again."};
    case Code::model_not_found:
      return Error{fault.code, "No such model " + call.target + " or task"};
    case Code::index_not_found:
      return index_not_found(call.target);
    case Code::index_deleted:
      return index_deleted(call.target);
    default:
      return Error{fault.code, std::string("the test kit of this server answers ") +
                                   code_name(fault.code) + " (" + fault.rule.text + ")"};
  }
}

}  // namespace selvedge::api
